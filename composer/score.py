"""What a style writes and `mixing` plays: notes, parts and a score. Time is counted in beats."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """A note of an instrument."""

    beat: float
    beats: float
    pitch: float
    velocity: float = 0.7

    def moved(self, beats: float = 0.0, semitones: float = 0.0) -> "Note":
        """The same note, later and higher."""
        return Note(self.beat + beats, self.beats, self.pitch + semitones, self.velocity)


@dataclass(frozen=True)
class Hit:
    """A stroke on a piece of a drum kit."""

    beat: float
    piece: str
    velocity: float = 0.8


@dataclass
class Part:
    """What one player plays, and where in the mix it stands.

    Attributes
    ----------
    instrument : str
        A name in `synthesis.instruments.INSTRUMENTS`.
    level : float
        Loudness beside the other parts, dB.
    pan : float
        -1 is left, 1 is right.
    reverb, echo : float
        Share sent to the score's reverberation and echo, from 0.
    looseness : float
        Standard deviation of the player's timing, seconds.
    swells : tuple of (beat, dB)
        Gain over time, on straight lines between these points.
    filter_hz : tuple of (beat, Hz)
        A low-pass filter over time, likewise (on a logarithmic scale); none when empty.
    ducked : bool
        Whether the part gives way to the score's `pump`.
    """

    instrument: str
    notes: list[Note]
    level: float = 0.0
    pan: float = 0.0
    reverb: float = 0.15
    echo: float = 0.0
    looseness: float = 0.004
    swells: tuple[tuple[float, float], ...] = ()
    filter_hz: tuple[tuple[float, float], ...] = ()
    ducked: bool = False


@dataclass
class DrumPart:
    """What a drummer plays; the fields are those of `Part`, `kit` a name in `synthesis.drums.KITS`."""

    kit: str
    hits: list[Hit]
    level: float = 0.0
    pan: float = 0.0
    reverb: float = 0.08
    echo: float = 0.0
    looseness: float = 0.003
    swells: tuple[tuple[float, float], ...] = ()
    filter_hz: tuple[tuple[float, float], ...] = ()
    ducked: bool = False


@dataclass
class Score:
    """A whole piece.

    Attributes
    ----------
    tempo : float
        Beats a minute.
    seconds : float
        Length of the recording.
    swing : float
        Where in its pair the second of two `swing_unit`s falls: 0.5 is even, 2/3 a triplet's swing.
    swing_unit : float
        Beats.
    space : str
        A name in `synthesis.effects.SPACES`.
    echo_beats : float
        Time between two echoes.
    pump : tuple of beats
        Where ducked parts give way, as to the kick of dance music.
    medium : str
        What the recording went through: "clean", "tape", "vinyl" or "console" (a driven mix).
    """

    tempo: float
    parts: list[Part | DrumPart]
    seconds: float = 30.0
    swing: float = 0.5
    swing_unit: float = 0.5
    space: str = "room"
    echo_beats: float = 0.75
    pump: tuple[float, ...] = field(default=())
    medium: str = "clean"
    fade_in: float = 0.0
    fade_out: float = 0.6
