"""Each prints figures of docs/measurements.md, or of the README beside what it measures; it can be run again."""
