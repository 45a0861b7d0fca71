"""What the README says of speed and memory, each figure printed by one of these."""
