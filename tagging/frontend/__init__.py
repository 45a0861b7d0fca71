"""From a file to the spectrograms that networks take: windows, patches, and what is no music."""
