"""Writes the Keras fixtures of this folder; Keras exports through tf2onnx.

`python keras_networks.py` wrote the present files with tensorflow-cpu 2.21.0, keras 3.15.1, tf2onnx
1.17.0 and scikit-learn 1.9.1.
"""

from __future__ import annotations

from pathlib import Path

import keras
from sklearn.datasets import load_digits, load_iris

HERE = Path(__file__).parent

keras.utils.set_random_seed(0)
iris, digits = load_iris(), load_digits()
images = digits.images[..., None].astype("float32")
network = keras.Sequential(
    [
        keras.layers.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 16),
        keras.layers.Permute((2, 1, 3)),
        keras.layers.Flatten(),
        keras.layers.Dense(16, activation="sigmoid"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
network.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
network.fit(images, digits.target, epochs=20, verbose=0)
network.export(HERE / "keras_digits.onnx", format="onnx", verbose=False)

flowers = iris.data.astype("float32")
scaled = keras.layers.Normalization()
scaled.adapt(flowers)
broken = keras.Sequential(
    [keras.layers.Input((4,)), scaled, keras.layers.Dense(3, activation="softmax")]
)
broken.predict(flowers, verbose=0)
broken.export(HERE / "keras_normalization.onnx", format="onnx", verbose=False)
