"""The denoiser of a whole domain, made from that of a tile."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from stride_model.conditioning.maps import Conditioning
from stride_model.errors import SpecError
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.protocol import Denoiser
from stride_model.spec import ModelSpec
from stride_model.tiles.tiling import Tiling
from stride_model.tiles.weights import tile_weights


@dataclass(frozen=True)
class TiledConditioning:
    """Encoded conditioning of all tiles of one case; its members share it.

    Attributes:
        tiles: One case per tile, row by row.
        gate_logits: [1, gated channels, H, W] of the domain, fused; None without the gate.
    """

    tiles: Conditioning
    gate_logits: Tensor | None = None

    def expand_members(self, members: int) -> "TiledConditioning":
        """The same: the maps of a tile are given to the members when its turn comes."""
        return self


class TiledDenoiser:
    """D(x; sigma) of a domain: the mean of the tiles' D with weights that sum to one, at every call.

    Fusing before each step of the sampler, and not after the last, makes neighbouring tiles continue the same field: a
    pixel in two tiles is one pixel of one noisy state. Averaging what a diffusion model predicts for overlapping views
    is MultiDiffusion (Bar-Tal et al. 2023, arXiv 2302.08113, eq. 5); with weights that fade towards the edges of a view
    it is Mixture of Diffusers (Jimenez 2023, arXiv 2302.02412). Every sampler takes it unchanged.

    Memory: no more than `batch` tiles pass through the network at once. What grows with the domain are the state and
    the encoded maps, which for the default widths take as much as 15 (bfloat16: 7) fields of one channel per tile.

    Args:
        denoiser: Of one tile, in evaluation mode.
        tiling: Where the tiles lie.
        batch: Tiles, of one member each, that are denoised at once.

    Raises:
        SpecError: Tiles of another size than the network's box, or a batch below 1.
    """

    def __init__(self, denoiser: EDMDenoiser, tiling: Tiling, *, batch: int = 8) -> None:
        if tiling.tile != denoiser.spec.target_hr_shape:
            raise SpecError(
                f"tiles of {tiling.tile} pixels are not the network's box {denoiser.spec.target_hr_shape}; "
                "lay them out with its shape"
            )
        if batch < 1:
            raise SpecError(f"tiles: a batch of {batch} holds no tile; use at least 1")
        self.denoiser, self.tiling, self.batch = denoiser, tiling, batch
        rows, columns = tile_weights(tiling)
        self._weights = [row[:, None] * column for row in rows for column in columns]

    @property
    def spec(self) -> ModelSpec:
        """Specification of the network, whose box is a tile."""
        return self.denoiser.spec

    @property
    def hr_shape(self) -> tuple[int, int]:
        """Rows and columns of the domain."""
        return self.tiling.domain

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.denoiser.device

    def encode(self, cond_dynamic: Tensor, *others: Tensor | None, **named: Tensor | None) -> TiledConditioning:
        """Encode the conditioning of one case, tile by tile.

        Args:
            cond_dynamic: What `EDMDenoiser.encode` takes, with tiles, row by row, in place of cases.
            others: Its other arguments, likewise.
            named: Likewise, by name.

        Raises:
            SpecError: Another number of tiles, or a shape that is not the specification's.
        """
        for value in (cond_dynamic, *others, *named.values()):
            if value is not None and value.shape[0] != len(self.tiling):
                raise SpecError(f"the conditioning has {value.shape[0]} tiles but the tiling {len(self.tiling)}")
        parts = []
        for first in range(0, len(self.tiling), self.batch):
            some = slice(first, first + self.batch)
            parts.append(
                self.denoiser.encode(
                    cond_dynamic[some],
                    *(None if value is None else value[some] for value in others),
                    **{name: None if value is None else value[some] for name, value in named.items()},
                )
            )
        tiles = Conditioning.join(parts)
        if tiles.gate_logits is None:
            return TiledConditioning(tiles)
        return TiledConditioning(tiles, self.fuse(zip(range(len(self.tiling)), tiles.gate_logits, strict=True))[None])

    def bind(self, conditioning: TiledConditioning) -> Denoiser:
        """The denoiser of this case as the function (x, sigma) that samplers take; x is [members, C_out, H, W]."""
        return lambda x, sigma: self(x, sigma, conditioning)

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: TiledConditioning) -> Tensor:
        """Denoise members of one case.

        Args:
            x: Noisy fields of the domain, [members, C_out, H, W].
            sigma: Noise level, [members] or a scalar.
            conditioning: From `encode`.

        Returns:
            [members, C_out, H, W], float32.

        Raises:
            SpecError: A field that is not the domain's.
        """
        if x.ndim != 4 or tuple(x.shape[-2:]) != self.hr_shape:
            raise SpecError(f"x has shape {list(x.shape)} but the domain is {list(self.hr_shape)}")
        sigma = sigma.expand(x.shape[0])
        fused = torch.empty(x.shape, dtype=torch.float32, device=x.device)
        for first in range(0, x.shape[0], self.batch):
            some = slice(first, first + self.batch)
            fused[some] = self.fuse(self._denoised(x[some], sigma[some], conditioning.tiles))
        return fused

    def gate_logits_of_field(self, conditioning: TiledConditioning, field: Tensor, noise: Tensor) -> Tensor | None:
        """Logits of the gate for finished fields of the domain, fused; see `EDMDenoiser.gate_logits_of_field`.

        Args:
            conditioning: From `encode`.
            field: [members, C_out, H, W], scaled.
            noise: Standard normal, of the same shape.

        Returns:
            float32 [members, gated channels, H, W], [1, ...] of a gate on the conditioning alone; None without a gate.
        """
        if self.denoiser.field_gate is None:
            return conditioning.gate_logits
        sigma = self.denoiser.gate_level
        denoised = self(field.float() + sigma * noise, sigma, conditioning)
        return self.fuse(self._gated(denoised, sigma, conditioning.tiles))

    def fuse(self, tiles: Iterable[tuple[int, Tensor]]) -> Tensor:
        """Add the tiles' fields up with their weights.

        Args:
            tiles: Number of a tile and its fields [..., rows, columns], of every tile once.

        Returns:
            float32 [..., H, W].
        """
        fused: Tensor | None = None
        slices = self.tiling.slices
        for number, field in tiles:
            if fused is None:
                fused = torch.zeros(*field.shape[:-2], *self.hr_shape, device=field.device)
                self._weights = [weights.to(field.device) for weights in self._weights]
            fused[..., *slices[number]].addcmul_(field.float(), self._weights[number])
        assert fused is not None, "a tiling has tiles"
        return fused

    def _denoised(self, x: Tensor, sigma: Tensor, conditioning: Conditioning) -> Iterator[tuple[int, Tensor]]:
        """Number of each tile and its members' denoised fields; as many tiles at once as the batch allows."""
        members, slices = x.shape[0], self.tiling.slices
        at_once = max(self.batch // members, 1)
        for first in range(0, len(slices), at_once):
            some = slices[first : first + at_once]
            noisy = torch.cat([x[..., *place] for place in some])
            maps = conditioning[first : first + at_once].expand_members(members)
            denoised = self.denoiser(noisy, sigma.repeat(len(some)), maps)
            yield from enumerate(denoised.unflatten(0, (len(some), members)), start=first)

    def _gated(self, denoised: Tensor, sigma: Tensor, conditioning: Conditioning) -> Iterator[tuple[int, Tensor]]:
        """Number of each tile and the gate's logits of its members."""
        for number, place in enumerate(self.tiling.slices):
            maps = conditioning[number : number + 1].expand_members(denoised.shape[0])
            logits = self.denoiser.gate_logits(maps, denoised[..., *place], sigma)
            assert logits is not None
            yield number, logits
