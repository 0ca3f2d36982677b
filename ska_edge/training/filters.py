"""Learns the filters of a front end from the rows to learn, without their labels."""

from __future__ import annotations

from dataclasses import replace

from ska_edge.data.dataset import Dataset
from ska_edge.data.image_rows import images_of, with_images
from ska_edge.data.targets import REGRESSION
from ska_edge.errors import OptionError
from ska_edge.frontend.filter_learning import learned_weights
from ska_edge.frontend.frontends import check_front
from ska_edge.training.division import parts
from ska_edge.training.options import Options


def with_filters(dataset: Dataset, options: Options) -> Dataset:
    """Return data of images with the features that filters compute; other data are unchanged.

    The filters are learned from the rows that a training with these options learns; the seed of
    the training determines the rest.

    Raises InputError for images with too few different patches, and as `images_of` and `parts` do;
    OptionError for a training that starts from rows.
    """
    front = dataset.front
    if front is None or front.filters is None or front.learned:
        return dataset
    if options.start is not None:
        raise OptionError("{start} is a network that has learned rows; leave {frontend} out")
    if dataset.targets is not None:
        options = replace(options, task=REGRESSION)
    settled = options.untried().settled(dataset.x.shape[1], len(dataset.labels))
    assert settled.seed is not None
    rows = parts(dataset, settled).train
    weights = learned_weights(
        front.filters, images_of(dataset.name, rows.x, front).astype("int64"), settled.seed
    )
    front = replace(front, filters=replace(front.filters, weights=weights))
    check_front(front)
    return with_images(dataset, front)
