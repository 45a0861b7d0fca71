"""Training taggers; needs no Django."""
