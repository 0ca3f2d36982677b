"""Reads rows of pixels as images, and computes features of raw data with a front end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ska_edge.data.dataset import Dataset
from ska_edge.data.row_blocks import row_blocks
from ska_edge.errors import InputError
from ska_edge.frontend.front import SAMPLE, Front
from ska_edge.frontend.frontends import feature_count, feature_names, features_of
from ska_edge.frontend.patches import BRIGHTEST
from ska_edge.frontend.request import FrontRequest, image_candidates


def check_pixels(name: str, x: NDArray[Any]) -> None:
    """Raise InputError if a number of x (n, pixels) is not a pixel; `name` is for messages.

    The message has the number of the row in x, so x should have all rows, in their first order.
    """
    for block in row_blocks(len(x)):
        rows = x[block]
        right = (rows >= 0) & (rows <= BRIGHTEST) & (rows == np.floor(rows))
        if not right.all():
            row, column = (int(places[0]) for places in np.nonzero(~right))
            raise InputError(
                f"row {block.start + row + 1} of {name} has the number {rows[row, column]:g}, but a"
                f" pixel is an integer from 0 to {BRIGHTEST}"
            )


def images_of(name: str, x: NDArray[Any], front: Front) -> NDArray[np.int16]:
    """Return rows of pixels (n, pixels) as images (n, rows, columns); `name` is for messages.

    Raises InputError for rows of another width, and as `check_pixels` does.
    """
    shape = front.length, front.axes
    if x.shape[1] != front.length * front.axes:
        raise InputError(
            f"{name} has {x.shape[1]} features, but the model takes images of"
            f" {front.length}x{front.axes} pixels"
        )
    check_pixels(name, x)
    images = np.empty((len(x), *shape), dtype=np.int16)
    for block in row_blocks(len(x)):
        images[block] = x[block].reshape(-1, *shape)
    return images


def image_features(name: str, x: NDArray[Any], front: Front) -> NDArray[np.float64]:
    """Return the features of rows of pixels (n, pixels); see `images_of`."""
    return features_of(front, images_of(name, x, front)).astype(np.float64)


def raw_features(data: ArrayLike, front: Front) -> NDArray[np.float64] | None:
    """Return the features (n, features) of raw data; None for anything else.

    Raw data are windows of samples or images, (n, length, axes), and rows of pixels (n, pixels). A
    row with as many numbers as there are features is a row of features.

    Raises InputError for windows or images of another shape, for samples that are not integers of
    16 bits, and as `check_pixels` does.
    """
    if np.ma.is_masked(data):
        return None
    try:
        x = np.asarray(data)
    except ValueError:  # a ragged list
        return None
    if x.dtype.kind not in "biuf":
        return None
    if x.ndim == 2 and front.image and x.shape[1] == front.length * front.axes:
        return None if x.shape[1] == feature_count(front) else image_features("x", x, front)
    if x.ndim != 3:
        return None
    if x.shape[1:] != (front.length, front.axes):
        what = "images" if front.image else "windows"
        raise InputError(
            f"x has {what} of {x.shape[1]}x{x.shape[2]}, but the model takes {what} of"
            f" {front.length}x{front.axes}"
        )
    if front.image:
        return image_features("x", x.reshape(len(x), -1), front)
    if not ((x >= SAMPLE.minimum) & (x <= SAMPLE.maximum) & (x == np.floor(x))).all():
        raise InputError(
            f"x has a sample that is not an integer from {SAMPLE.minimum} to {SAMPLE.maximum}, as"
            " the sensor gave it"
        )
    return features_of(front, x.astype(np.int16)).astype(np.float64)


def as_images(dataset: Dataset, request: FrontRequest) -> Dataset:
    """Return rows with the front end of images for which a user asks; nothing is learned yet.

    Raises InputError as `check_pixels` and `FrontRequest.front` do.
    """
    check_pixels(dataset.name, dataset.x)
    return replace(dataset, front=request.front(dataset.x.shape[1]))


def to_choose(dataset: Dataset) -> Dataset:
    """Return rows with the front ends that suit them if they are square images; see `Dataset`."""
    try:
        check_pixels(dataset.name, dataset.x)
    except InputError:
        return replace(dataset, candidates=())
    return replace(dataset, candidates=image_candidates(dataset.x.shape[1]))


def with_images(dataset: Dataset, front: Front) -> Dataset:
    """Return the data with the features of a front end in place of the pixels.

    Data that already have these features are returned unchanged. Raises InputError as `images_of`
    does, and for data with the features of another front end.
    """
    if dataset.front == front:
        return dataset
    if dataset.front is not None and dataset.front.learned:
        raise InputError(f"{dataset.name} has features of another front end, not pixels")
    images = images_of(dataset.name, dataset.x, front)
    return replace(
        dataset,
        x=features_of(front, images).astype(np.float64),
        features=feature_names(front, ()),
        columns=dataset.features,
        front=front,
        windows=images,
    )
