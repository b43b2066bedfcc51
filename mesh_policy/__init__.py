"""The rules of the mesh: values and decisions. No I/O, no clock, no chance; everybody may import it, it imports nobody."""
