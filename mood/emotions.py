"""What a face can show, and what a listener can say instead."""

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""What the expression network tells apart, in the order of its outputs."""

FEELINGS = (*EMOTIONS, "calm", "tired")
"""The emotions, and those that no face is read as but a listener may choose."""

MOODS = {
    "happy": "happy",
    "sad": "sad",
    "calm": "calm",
    "angry": "angry",
    "surprised": "surprise",
    "tired": "tired",
    "afraid": "fear",
}
"""The moods that are picked by hand, each with its feeling."""
