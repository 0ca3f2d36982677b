"""Learns filters from images without labels: the centers of clusters of their patches.

A patch is a square of pixels without its mean, scaled to length 1 in `WEIGHT` format. The clusters
are those of k-means with the scalar product as similarity. Everything is computed with integers,
or with operations that IEEE 754 defines to the last bit, so every computer learns the same filters.
"""

from __future__ import annotations

import numpy as np

from ska_edge.arithmetic.numpy_ops import Integers, squares
from ska_edge.errors import InputError
from ska_edge.frontend.front import WEIGHT, Filters

MOST_IMAGES = 1500
MOST_PATCHES = 20_000
CONTRAST = 0.1  # least standard deviation of a patch, as a fraction of the largest pixel
ROUNDS = 50  # of k-means, at most
STREAM = 3  # of the random numbers of a training's seed


def learned_weights(filters: Filters, images: Integers, seed: int) -> tuple[int, ...]:
    """Return the weights of filters for images (images, rows, columns), in `WEIGHT` format.

    Raises InputError for images with too few different patches.
    """
    rng = np.random.default_rng([seed, STREAM])
    chosen = np.sort(rng.permutation(len(images))[:MOST_IMAGES])
    patches = _patches(filters, images[chosen])
    patches = patches[np.sort(rng.permutation(len(patches))[:MOST_PATCHES])]
    different = np.unique(patches, axis=0)
    if len(different) < filters.count:
        raise InputError(
            f"the images have only {len(different)} different patches with contrast, too few to"
            f" learn {filters.count} filters"
        )
    centers = different[np.sort(rng.permutation(len(different))[: filters.count])]
    for _ in range(ROUNDS):
        nearest = _products(patches, centers).argmax(axis=1)
        members = np.zeros((filters.count, patches.shape[1]), dtype=np.int64)
        np.add.at(members, nearest, patches)
        moved = np.where(members.any(axis=1, keepdims=True), _directions(members), centers)
        if (moved == centers).all():
            break
        centers = moved
    return tuple(centers.ravel().tolist())


def _patches(filters: Filters, images: Integers) -> Integers:
    """Return the patches with contrast at all places of a filter, (patches, size * size)."""
    size = filters.size
    flat = squares(images, size, filters.stride).reshape(-1, size * size)
    apart = flat * size**2 - flat.sum(axis=1, keepdims=True)
    least = (CONTRAST * size**2 * int(images.max())) ** 2 * size**2
    return _directions(apart[(apart * apart).sum(axis=1) > least])


def _directions(vectors: Integers) -> Integers:
    """Return vectors (n, d) scaled to length 1, in `WEIGHT` format; a zero vector stays zero."""
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True).astype(np.float64))
    return WEIGHT.quantize(vectors / np.maximum(lengths, 1.0))


def _products(patches: Integers, centers: Integers) -> Integers:
    """Return the scalar products (patches, centers); a float64 has all of their bits."""
    exact = patches.astype(np.float64) @ centers.T.astype(np.float64)
    products: Integers = exact.astype(np.int64)
    return products
