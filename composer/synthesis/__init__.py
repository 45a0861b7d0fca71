"""Sound from numbers. A mono signal is float32 (n,), a stereo one (2, n), both at `waves.RATE`."""
