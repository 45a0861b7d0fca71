"""How a sound grows and dies."""

import numpy as np

from .waves import RATE, Signal, samples


def ramp_in(n: int) -> Signal:
    """A rise from 0 to 1 without a corner, shape (n,)."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n), dtype=np.float32)


def decay(n: int, t60_s: float) -> Signal:
    """An exponential that falls by 60 dB in `t60_s`, shape (n,)."""
    fall: Signal = np.exp(np.arange(n, dtype=np.float32) * np.float32(-6.9078 / (t60_s * RATE)))
    return fall


def adsr(seconds: float, attack_s: float, decay_s: float, sustain: float, release_s: float) -> Signal:
    """Attack, decay, sustain, release.

    Parameters
    ----------
    seconds : float
        How long the key is held.
    attack_s, decay_s, release_s : float
        The decay falls towards `sustain` and the release towards 0, exponentially, both by 60 dB in their time.

    Returns
    -------
    float32, shape (samples(seconds) + samples(release_s),)
        1 at the most, and 0 at the end.
    """
    held = samples(seconds)
    attack = min(samples(attack_s), held)
    body = np.empty(held, dtype=np.float32)
    body[:attack] = ramp_in(attack)
    body[attack:] = sustain + (1.0 - sustain) * decay(held - attack, decay_s) if held > attack else 1.0
    return np.concatenate([body, body[-1] * fall(samples(release_s))])


def fall(n: int) -> Signal:
    """An exponential release that does reach 0, shape (n,)."""
    t = np.arange(n, dtype=np.float32) / np.float32(n)
    return np.asarray(np.exp(-5.0 * t) * (1.0 - t), dtype=np.float32)


def damped(ringing: Signal, seconds: float, release_s: float) -> Signal:
    """A sound that rings by itself, damped when the key is let go after `seconds`."""
    held = min(samples(seconds), ringing.size)
    tail = min(samples(release_s), ringing.size - held)
    if tail <= 0:
        sound = ringing.copy()
        edge = min(samples(0.02), sound.size)
        sound[-edge:] *= fall(edge)
        return sound
    return np.concatenate([ringing[:held], ringing[held : held + tail] * fall(tail)])
