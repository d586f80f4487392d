"""A picture of a problem: the truth, members of both ensembles, and their spectra."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from truth.scores import spectrum


def picture(name: str, truth: Tensor, ours: Tensor, exact: Tensor, path: Path) -> None:
    """Draw the first variable of the first case, and the mean spectra.

    Args:
        name: The problem's.
        truth: [n, V, N, N].
        ours: [n, members, V, N, N], drawn by the model.
        exact: The same from the exact conditional.
        path: The picture.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 5, figsize=(13, 5.4), layout="constrained")
    low, high = float(truth[0, 0].min()), float(truth[0, 0].max())
    for row, (title, ensemble) in enumerate((("model", ours), ("exact", exact))):
        shown = [("truth", truth[0, 0])] + [(f"{title}, member {k + 1}", ensemble[0, k, 0]) for k in range(3)]
        for axis, (label, field) in zip(axes[row], shown, strict=False):
            axis.imshow(field, vmin=low, vmax=high, cmap="viridis")
            axis.set(title=label, xticks=[], yticks=[])
    wavenumbers = range(1, truth.shape[-1] // 2 + 1)
    for label, ensemble in (("model", ours), ("exact", exact)):
        axes[0, 4].loglog(wavenumbers, spectrum(ensemble)[0], label=label)
    axes[0, 4].legend()
    axes[0, 4].set(title="spectrum", xlabel="wavenumber")
    axes[1, 4].semilogx(wavenumbers, (spectrum(ours) / spectrum(exact))[0])
    axes[1, 4].axhspan(0.95, 1.05, alpha=0.2)
    axes[1, 4].set(title="model / exact", xlabel="wavenumber", ylim=(0.7, 1.3))
    figure.suptitle(name)
    figure.savefig(path, dpi=120)
    plt.close(figure)
