"""Random changes of a face that leave its expression as it is."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def augment(faces: Tensor, window: int, size: int, generator: torch.Generator) -> Tensor:
    """Faces turned, scaled, shifted, mirrored, lit from aside, noisy and partly covered.

    Parameters
    ----------
    faces : Tensor
        Standardized, float32, shape (n, 1, 48, 48).
    window : int
        Side of what is seen of each face, in its own pixels.
    size : int
        Side of the result.
    generator : torch.Generator
        On the CPU; the same state gives the same changes on every device.

    Returns
    -------
    Tensor
        float32, shape (n, 1, size, size).
    """
    n = len(faces)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=generator) * (high - low) + low).to(faces.device)

    angle = uniform(-1, 1) * math.radians(12)
    scale = torch.exp(uniform(-1, 1) * 0.12) * window / faces.shape[-1]
    stretch = torch.exp(uniform(-1, 1) * 0.05)
    mirror = torch.sign(uniform(-1, 1))
    shift = uniform(-1, 1, 2) * 0.1
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    affine = torch.stack(
        [
            torch.stack([mirror * cosine * stretch, -sine, shift[:, 0]], 1),
            torch.stack([mirror * sine * stretch, cosine, shift[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(affine, [n, 1, size, size], align_corners=False)
    faces = functional.grid_sample(faces, grid, padding_mode="reflection", align_corners=False)

    ramp = torch.linspace(-1, 1, size, device=faces.device)
    light = uniform(-0.3, 0.3, 2)
    faces = faces * torch.exp(uniform(-0.2, 0.2, 1, 1, 1))
    faces = faces + (light[:, 0, None, None] * ramp[:, None] + light[:, 1, None, None] * ramp)[:, None]
    faces = faces + uniform(0, 0.1, 1, 1, 1) * torch.randn(faces.shape, generator=generator).to(faces.device)

    # A third of the faces loses a rectangle, as behind a hand or glasses.
    half_height, half_width = uniform(0.08, 0.22, 1), uniform(0.08, 0.22, 1)
    centre = uniform(0, 1, 2)
    place = torch.linspace(0, 1, size, device=faces.device)
    covered = ((place - centre[:, :1]).abs() < half_height)[:, :, None] & ((place - centre[:, 1:]).abs() < half_width)[
        :, None, :
    ]
    covered &= uniform(0, 1, 1, 1) < 1 / 3
    return torch.where(covered[:, None], uniform(-1, 1, 1, 1, 1), faces)


def mix(faces: Tensor, targets: Tensor, alpha: float, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Each face mixed with another of its batch, and so are their targets.

    Half of the batches stay as they are; in a quarter the two faces are laid over each other [1]_, in a quarter a
    rectangle of one is set into the other [2]_.

    Parameters
    ----------
    faces : Tensor
        float32, shape (n, 1, size, size).
    targets : Tensor
        float32, shape (n, k): of whatever is linear in the shares of the two faces.
    alpha : float
        Parameter of the beta distribution of the overlaid faces' shares; the rectangles are of any size.
    random : numpy.random.Generator

    Returns
    -------
    faces, targets : Tensor
        Of the same shapes.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: Beyond empirical risk minimization", ICLR 2018.
    .. [2] S. Yun et al., "CutMix: Regularization strategy to train strong classifiers with localizable features", ICCV
       2019.
    """
    others, kind = faces.flip(0), random.random()
    if kind < 0.5:
        return faces, targets
    if kind < 0.75:
        share = float(random.beta(alpha, alpha))
        mixed = share * faces + (1 - share) * others
    else:
        size = faces.shape[-1]
        side = math.sqrt(1 - random.random()) * size
        top, left = random.uniform(0, size, 2) - side / 2
        rows = slice(max(0, round(top)), max(0, round(top + side)))
        columns = slice(max(0, round(left)), max(0, round(left + side)))
        mixed = faces.clone()
        mixed[:, :, rows, columns] = others[:, :, rows, columns]
        share = 1 - others[0, 0, rows, columns].numel() / size**2
    return mixed, share * targets + (1 - share) * targets.flip(0)
