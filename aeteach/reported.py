"""Every figure that others reported, in one place, each with where it is from.

Tables, scoreboard, questions, chapters and tests read them here. The reports are of one run each,
without an error bar; what they do not say (threshold, smoothing, readers) is said where ours stand
beside them.
"""

from typing import NamedTuple

# ---- experiment 1: digits read correctly from reconstructions, in %; 10 epochs, one seed, one
# reader. (model, size of the bottleneck): numbers, or channels of 4 x 4 numbers of the last.
READABLE_AUTOENCODERS = {
    ("SimpleAE", 2): 36.86,
    ("SimpleAE", 3): 39.12,
    ("SimpleAE", 4): 48.33,
    ("AE", 2): 78.11,
    ("AE", 3): 82.94,
    ("AE", 4): 86.42,
    ("Conv AE (channels)", 2): 91.78,
    ("Conv AE (channels)", 3): 95.37,
    ("Conv AE (channels)", 4): 96.31,
}

# ---- experiment 2: the same of VAEs, by the weight of the KL. (model, bottleneck): one a weight.
KL_WEIGHTS = (0.75, 1.0, 1.25, 1.5)
READABLE_VAES = {
    ("ConvVAE", 4): (71.19, 71.07, 71.44, 22.80),
    ("VAE", 4): (83.52, 84.98, 84.99, 25.10),
    ("ConvVAE", 3): (62.25, 63.86, 64.02, 63.62),
    ("VAE", 3): (78.46, 84.32, 84.54, 85.39),
}
EPOCHS = 10  # of both experiments


# ---- variations of the Keras example (Chollet, "Variational AutoEncoder", keras.io)


class Variation(NamedTuple):
    """What was reported of one variation.

    Attributes:
        loss: in training on all 70,000 digits, in the last of 30 epochs; nats an image, or grey
            values squared and nats where the reconstruction is a squared error.
        seconds: of training, on a machine that is not named.
    """

    loss: float
    seconds: float


KERAS = {
    "latent 2": Variation(151.50, 161),  # 2 min 41 s
    "third convolution": Variation(141.42, 228),
    "latent 1": Variation(163.25, 163),
    "latent 10": Variation(124.31, 163),
    "squared error": Variation(37.50, 167),
}


# ---- 784-400-d VAEs on the 10,000 test digits, grey pixels, 10 epochs


class Bound(NamedTuple):
    """A bound and its two terms, in nats an image; None where it was not reported.

    Attributes:
        negative_elbo: mean of two or three seeds.
        reconstruction: cross-entropy.
        kl: to the prior.
    """

    negative_elbo: float | None
    reconstruction: float
    kl: float


# (latent numbers, beta)
VAE_400 = {
    (2, 1.0): Bound(154.4, 148.6, 5.8),
    (10, 1.0): Bound(110.05, 91.6, 18.4),
    (20, 1.0): Bound(105.7, 80.3, 25.4),
    (20, 0.1): Bound(None, 69.0, 55.1),
    (20, 0.5): Bound(None, 74.0, 34.3),
    (20, 2.0): Bound(None, 92.2, 16.6),
    (20, 4.0): Bound(None, 112.1, 9.4),
}


# ---- circles, squares and triangles, 28 x 28: a VAE and an autoencoder with MMD as generators


class Worth(NamedTuple):
    """What a generator was said to be worth, by Euclidean distance with a threshold of 3.

    Attributes:
        distance: mean distance of a valid image to the nearest generated one, in grey values.
        coverage: share of the valid images with a generated one nearer than the threshold, in %.
        kl: of the valid images from the hit counts, in bits.
        reconstruction: cross-entropy, in bits an image.
    """

    distance: float
    coverage: float
    kl: float
    reconstruction: float


SHAPES = {
    "VAE": Worth(2.2377, 57.1, 8.4022, 519.8196),
    "AE + MMD": Worth(3.2141, 43.7, 8.2702, 607.9106),
}
SHAPES_RATE = 12.9  # bits an image, through the noise of the autoencoder with MMD
SHAPES_IMAGES = 8002  # unique images; ours are 8,340

# ---- rectangles, circles and triangles: images that a person could recognise


class Recognised(NamedTuple):
    """What was counted by eye, and the time it took to train.

    Attributes:
        test: of 16 reconstructions of test images, in %.
        random: of 25 random samples, in %.
        seconds: of training.
    """

    test: float
    random: float
    seconds: float


RECTANGLES = {"VAE": Recognised(93.75, 72.0, 243), "MMD-VAE": Recognised(68.75, 80.0, 244)}
RECTANGLES_NOISE = 5  # variance of the latent noise of that MMD-VAE
