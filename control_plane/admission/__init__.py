"""Validating admission: an object that is wrong is refused as it is written, naming the field and what is right."""
