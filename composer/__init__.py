"""Music that the project composes, plays and records itself: for the demo library, and for training. No Django in here.

`theory` and `phrasing` hold what musicians know, `styles` write scores with it, `variation` varies them at random for
training, `synthesis` plays an instrument, `mixing` plays a whole score, `encoding` and `covers` make files of it.
"""
