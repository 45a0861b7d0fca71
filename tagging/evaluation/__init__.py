"""How good a tagger is: against truth, against another tagger, and how still its answers hold."""
