"""The kinds the control plane reads, as narrow structs: one file per kind, with what makes an object valid."""
