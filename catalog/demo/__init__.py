"""The demo library: music that the project composes, plays and records itself. No Django in here.

`theory` and `phrasing` hold what musicians know, `styles` write scores with it, `synthesis` plays an instrument,
`mixing` plays a whole score, `encoding` and `covers` make files of it, `programme` says which tracks the demo
library has, `rendering` makes its folder, and `listeners` simulates people with a taste for it.
"""
