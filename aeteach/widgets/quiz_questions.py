"""The twenty questions of the self-test, as data: what is asked, what is right, and why.

Formulas are plain text, for they stand inside a figure. A page is named by its file without `.md`,
a section by its heading; tests hold that both exist, and compute every number again.
"""

from typing import NamedTuple


class Choice(NamedTuple):
    """One answer that can be chosen or ticked.

    Attributes:
        text: the answer.
        right: whether it is one.
        why: said of it once it was chosen: the mistake behind it, or the reason why it is right.
    """

    text: str
    right: bool
    why: str


class Slip(NamedTuple):
    """A wrong number that a known mistake gives.

    Attributes:
        value: the number.
        why: the mistake, by name.
    """

    value: float
    why: str


class Question(NamedTuple):
    """One question.

    Attributes:
        topic: what it is about, in a few words.
        page: the chapter that answers it.
        section: heading of the section there; empty for the whole chapter.
        ask: the question.
        why: why the right answer is right, with the formula; of a question to choose one answer
            of, the right answer's own `why` says it, and this is empty.
        choices: the answers, in order, where one or several are to be chosen.
        several: whether all that apply are to be ticked.
        answer: the number that is asked for, if it is one.
        tolerance: how far off a number may be, in the same unit.
        unit: of the number.
        slips: known wrong numbers.
        hint: said of any other wrong number.
    """

    topic: str
    page: str
    section: str
    ask: str
    why: str = ""
    choices: tuple[Choice, ...] = ()
    several: bool = False
    answer: float | None = None
    tolerance: float = 0.0
    unit: str = ""
    slips: tuple[Slip, ...] = ()
    hint: str = ""


QUESTIONS = (
    Question(
        topic="PCA",
        page="pca-by-hand",
        section="How much does each axis explain?",
        ask=(
            "Points in three dimensions have the covariance V = [[4, 4, 0], [4, 4, 0], "
            "[0, 0, 1/3]]. Its eigenvalues are 8, 1/3 and 0. What share of the variance does the "
            "first principal component keep?"
        ),
        answer=96.0,
        tolerance=0.06,
        unit="%",
        slips=(
            Slip(0.96, "This is the share as a part of 1. The unit beside the box is per cent."),
            Slip(
                100 / 3,
                "One of three axes is a third of the axes, not of the variance. The axes of PCA "
                "are chosen so that the first gets as much as possible.",
            ),
            Slip(
                48.0,
                "You took 4, an entry of V's diagonal: the variance along a coordinate axis. The "
                "first principal axis lies between the first two, and its variance is an "
                "eigenvalue.",
            ),
            Slip(
                83.0481,
                "You added square roots. Standard deviations do not add up, variances do; an "
                "eigenvalue of a covariance is a variance already.",
            ),
            Slip(
                99.8267,
                "You squared the eigenvalues. That is right for the singular values of the data; "
                "an eigenvalue of the covariance is a variance already.",
            ),
        ),
        hint="Divide the variance along the first axis by the sum of all three eigenvalues.",
        why=(
            "An eigenvalue of the covariance is the variance along its eigenvector, and the "
            "variances along perpendicular axes add up: 8 / (8 + 1/3 + 0) = 0.96."
        ),
    ),
    Question(
        topic="linear autoencoders",
        page="linear-autoencoder",
        section="Why its weights are not the eigenvectors",
        ask=(
            "A linear autoencoder with two latent numbers has been trained to its minimum. How do "
            "the two columns of its decoder relate to the first two principal axes?"
        ),
        choices=(
            Choice(
                "They are these two axes, up to the sign.",
                False,
                "The loss does not know the axes. Put any invertible 2 × 2 matrix M between the "
                "two layers, W₂M and M⁻¹W₁: the same reconstruction, other columns.",
            ),
            Choice(
                "They span the same plane as the axes.",
                True,
                "x̂ depends on the product W₂W₁ alone. At the minimum this is the projection onto "
                "the plane of the first two axes, and W₂M with M⁻¹W₁ is just as good for every "
                "invertible M: the plane is fixed, the columns in it are not.",
            ),
            Choice(
                "They are perpendicular, in any order.",
                False,
                "Nothing in the loss asks for a right angle. Any two columns that span the plane "
                "will do, however slanted.",
            ),
            Choice(
                "They span a better plane than the axes.",
                False,
                "There is none. Of all planes with two dimensions that of the first two principal "
                "axes has the smallest squared error: training can reach it, not beat it.",
            ),
        ),
    ),
    Question(
        topic="nonlinear autoencoders",
        page="nonlinear-autoencoder",
        section="Where the bend comes from",
        ask=(
            "Take every ReLU and the sigmoid out of the network 1024-128-64-32-2-32-64-128-1024 "
            "and train it for as long as you like. Which squared error can it reach at best?"
        ),
        choices=(
            Choice(
                "That of the network with ReLUs.",
                False,
                "Longer training does not bring the bend back. Without a nonlinearity all eight "
                "layers together are one matrix and one bias.",
            ),
            Choice(
                "That of PCA with 32 components.",
                False,
                "A product of matrices has at most the rank of its narrowest one. The narrowest "
                "place is the bottleneck with 2 numbers, not the layer with 32.",
            ),
            Choice(
                "That of PCA with 2 components.",
                True,
                "x̂ = W₈⋯W₁ x + b: the product is one matrix of rank 2 at most, so the network is a "
                "linear autoencoder with two latent numbers, and PCA is the best of these.",
            ),
            Choice(
                "Zero, for it has enough weights.",
                False,
                "284,226 weights do not help: all of an image must pass through two numbers that "
                "are linear in its pixels, and the images do not lie in one plane.",
            ),
        ),
    ),
    Question(
        topic="convolutions",
        page="convolutions",
        section="Channels are not numbers",
        ask=(
            "An image of 32 × 32 pixels passes three convolutions of stride 2 (kernel 3 × 3, "
            "padding 1). The last has 3 channels, and a table calls this “bottleneck 3”. How many "
            "numbers pass the bottleneck?"
        ),
        answer=48.0,
        tolerance=0.0,
        unit="numbers",
        slips=(
            Slip(
                3,
                "These are the channels. Each is a grid of numbers, so the table compares this "
                "bottleneck with one that is 16 times as narrow.",
            ),
            Slip(16, "This is one channel, 4 × 4. There are three of them."),
            Slip(12, "2 × 2 a channel would need a fourth stride: 32, 16, 8, 4."),
            Slip(192, "8 × 8 a channel is the size after two strides. There are three."),
            Slip(
                3072,
                "You left the image at 32 × 32. Each stride of 2 halves its height and its width.",
            ),
            Slip(9, "9 is the size of the kernel. It moves; count the places where it stops."),
        ),
        hint="Halve height and width three times, then multiply by the channels.",
        why=(
            "Each stride of 2 halves the sides: 32 → 16 → 8 → 4. Three channels of 4 × 4 are "
            "3 · 4 · 4 = 48 numbers. A dense bottleneck of 3 carries 3."
        ),
    ),
    Question(
        topic="surprise, entropy, KL",
        page="surprise-and-kl",
        section="The coin, done right",
        ask=(
            "A coin is fair, P = (0.5, 0.5). Somebody believes Q = (0.7, 0.3). How much does the "
            "wrong belief cost on average, KL(P ‖ Q)?"
        ),
        answer=0.12577,
        tolerance=0.0011,
        unit="bits a toss",
        slips=(
            Slip(0.08718, "These are nats: natural logarithms. Divide by log 2 for bits."),
            Slip(
                0.03786,
                "These are logarithms to base 10. It happens in print; bits are to base 2.",
            ),
            Slip(
                0.11871,
                "This is KL(Q ‖ P), the other way round. The first argument is the truth, and it "
                "is what the average is taken over.",
            ),
            Slip(
                1.12577,
                "This is the cross-entropy H(P, Q), the whole cost. What the wrong belief adds is "
                "what lies above the entropy H(P) of 1 bit.",
            ),
            Slip(
                -0.12577,
                "The sign is turned: you took H(P) − H(P, Q). A KL is never negative.",
            ),
        ),
        hint="Sum P · log₂(P / Q) over heads and tails.",
        why=(
            "KL(P ‖ Q) = H(P, Q) − H(P) = ½ log₂(0.5/0.7) + ½ log₂(0.5/0.3) = 1.1258 − 1 = "
            "0.1258 bits."
        ),
    ),
    Question(
        topic="reading machines",
        page="reading-machine",
        section="What the reader does not see",
        ask=(
            "A decoder draws one and the same clear 4 for every 4, and likewise for the other "
            "digits. Its readability is 99 %. What is lost?"
        ),
        choices=(
            Choice(
                "Which 4 it was: the slant, the width.",
                True,
                "Readability = share of reconstructions that are read as their own class. Ten "
                "fixed pictures reach it. It is blind to all that differs within a class; that "
                "shows in the squared error.",
            ),
            Choice(
                "Nothing that matters: it is all read.",
                False,
                "All is read, but ask for this person's 4 and you get another one. Readability "
                "compares with the label alone, never with the original image.",
            ),
            Choice(
                "The class: readers are often wrong.",
                False,
                "The class is what is kept, in 99 of 100 cases. What differs between two images of "
                "the same class is gone.",
            ),
            Choice(
                "Its squared error, which is now zero.",
                False,
                "It is far from zero: each image is compared with one that is not it. A small "
                "error and a readable digit are two different things.",
            ),
        ),
    ),
    Question(
        topic="the ELBO and its gap",
        page="elbo",
        section="Second derivation: how far is q from the posterior?",
        ask=(
            "For one image log p(x) = −90.0 nats. For some q, the average E_q[log p(x|z)] is −70.0 "
            "nats, and the KL from q to the prior is 24.0 nats. How far is q from the posterior, "
            "KL(q ‖ p(z|x))?"
        ),
        answer=4.0,
        tolerance=0.01,
        unit="nats",
        slips=(
            Slip(24.0, "This is the KL to the prior. q does not approximate the prior."),
            Slip(-4.0, "The sign is turned. The ELBO lies below log p(x), so the gap is positive."),
            Slip(
                -44.0,
                "You added the KL to the prior. It is a cost: the ELBO is −70 − 24. A KL below 0 "
                "should have told you.",
            ),
            Slip(44.0, "You added the KL to the prior. It is a cost: the ELBO is −70 − 24."),
            Slip(-94.0, "This is the ELBO. The question is how far it lies below log p(x)."),
            Slip(94.0, "This is minus the ELBO. The question is how far log p(x) lies above it."),
            Slip(20.0, "You left the KL to the prior out. The ELBO has two terms."),
            Slip(-20.0, "Two mistakes: the KL to the prior is left out, and the sign is turned."),
        ),
        hint="Work out the ELBO first, then take it away from log p(x).",
        why=(
            "log p(x) = ELBO + KL(q ‖ p(z|x)), and ELBO = E_q[log p(x|z)] − KL(q ‖ p(z)) = "
            "−70 − 24 = −94. So the gap is −90 + 94 = 4 nats."
        ),
    ),
    Question(
        topic="reconstruction terms",
        page="elbo",
        section="The floor under grey pixels",
        ask=(
            "A pixel is grey, x = 0.2. What is the smallest binary cross-entropy that any x̂ can "
            "reach for it?"
        ),
        answer=0.5004,
        tolerance=0.0015,
        unit="nats",
        slips=(
            Slip(
                0.0,
                "Zero is reached for black and white pixels only. Put x̂ = 0.2 into the formula: "
                "something is left.",
            ),
            Slip(0.72193, "These are bits. The unit beside the box is nats."),
            Slip(
                -0.5004,
                "A minus stands before the sum. With it the loss would be negative, and the worst "
                "decoder the best.",
            ),
            Slip(
                0.32189, "This is the ink alone, −x log x̂. The paper, 1 − x, costs something too."
            ),
            Slip(0.17851, "This is the paper alone. The ink, −x log x̂, costs something too."),
            Slip(
                0.22314,
                "This is −log 0.8, the surprise of a pixel that is white paper for certain. A grey "
                "pixel is weighed: x of ink, 1 − x of paper.",
            ),
            Slip(
                1.33218,
                "Ink and paper are exchanged: x must weigh log x̂, and 1 − x must weigh log(1 − x̂).",
            ),
        ),
        hint="The best x̂ is x itself. Put it into −x log x̂ − (1 − x) log(1 − x̂).",
        why=(
            "The cross-entropy −x log x̂ − (1 − x) log(1 − x̂) is smallest at x̂ = x, and there it is "
            "the entropy of the pixel: −0.2 log 0.2 − 0.8 log 0.8 = 0.500 nats. No model gets "
            "below."
        ),
    ),
    Question(
        topic="sum or mean",
        page="elbo",
        section="Sum or mean? What it does to beta",
        ask=(
            "loss = mean of (x − x̂)² over the 1,024 pixels + KL summed over the latent dimensions. "
            "Write it as a multiple of S + βK, with S the squared error summed over the pixels. "
            "What is β?"
        ),
        answer=1024.0,
        tolerance=2e-4,
        unit="",
        slips=(
            Slip(
                1.0,
                "1 is what the code seems to say. But the mean has divided one of the two terms by "
                "1,024 and not the other.",
            ),
            Slip(
                1 / 1024,
                "Upside down. The mean makes the reconstruction small, so the KL weighs more.",
            ),
            Slip(512.0, "This is the variance of the pixels that it amounts to, c = β/2."),
            Slip(32.0, "32 is one side of the image. The mean is over 32 · 32 pixels."),
        ),
        hint="Multiply the loss by the number that turns the mean into the sum S.",
        why=(
            "1,024 · loss = S + 1,024 K, so β = 1,024. Dividing the reconstruction by the number "
            "of pixels is one reason why a VAE draws the same blurred digit for everything."
        ),
    ),
    Question(
        topic="reparameterization",
        page="reparameterization",
        section="Why encoders return the log-variance",
        ask=(
            "An encoder returns mu = 1 and log_var = −2. The noise drawn is eps = 1. Which z goes "
            "into the decoder?"
        ),
        answer=1.36788,
        tolerance=0.005,
        unit="",
        slips=(
            Slip(
                1.13534,
                "You used the variance exp(log_var). The noise is multiplied by the standard "
                "deviation.",
            ),
            Slip(-1.0, "You used log_var itself. It is a logarithm, and may well be negative."),
            Slip(
                1.60653,
                "A square root too many: exp(log_var / 2) is the standard deviation already.",
            ),
            Slip(
                1.01832, "You doubled log_var. Halve it: the square root of a variance is wanted."
            ),
            Slip(3.71828, "The sign is lost: log_var is negative, so sigma is below 1."),
            Slip(1.0, "This is mu. In training the decoder gets a draw, not the mean."),
            Slip(2.0, "You took sigma = 1. It is exp(log_var / 2)."),
        ),
        hint="First sigma from log_var, then mu plus sigma times eps.",
        why="sigma = exp(½ log_var) = exp(−1) = 0.368, and z = mu + sigma · eps = 1.368.",
    ),
    Question(
        topic="the VAE",
        page="variational-autoencoder",
        section="Three changes",
        ask="Which of these hold for a VAE that works?",
        several=True,
        choices=(
            Choice(
                "q(z|x) approximates the posterior p(z|x).",
                True,
                "The ELBO lies below log p(x) by KL(q(z|x) ‖ p(z|x)). With the decoder as it is, "
                "raising the ELBO brings q nearer to the posterior.",
            ),
            Choice(
                "q(z|x) is the prior p(z) for every x.",
                False,
                "Then z would say nothing about x: this is posterior collapse. The KL to the prior "
                "is a cost of what z says, not a distance that should become 0.",
            ),
            Choice(
                "To draw a new digit, decode a z from N(0, I).",
                True,
                "The model is p(z) p(x|z): first z from the prior, then x. No encoder is needed.",
            ),
            Choice(
                "Its loss can be had from mu alone, without noise.",
                False,
                "The reconstruction term is an average over q(z|x). Without noise the decoder is "
                "trained at one point for each image, and not around it.",
            ),
        ),
        why=(
            "−ELBO = −E_q[log p(x|z)] + KL(q(z|x) ‖ p(z)), with z drawn from q(z|x), and "
            "log p(x) = ELBO + KL(q(z|x) ‖ p(z|x))."
        ),
    ),
    Question(
        topic="beta and collapse",
        page="how-much-kl",
        section="Posterior collapse, made to order",
        ask=(
            "The best linear VAE is trained on S + βK, with S the squared error summed over the "
            "pixels. Along no axis do the data have a variance above 5.4. From which β on are all "
            "its latent dimensions silent?"
        ),
        answer=10.8,
        tolerance=0.05,
        unit="",
        slips=(
            Slip(5.4, "This is the variance c of the pixels. The weight is twice that: c = β/2."),
            Slip(2.7, "You halved it. c = β/2 must reach 5.4, so β must be larger than 5.4."),
            Slip(
                1.0, "1 is no threshold: at β = 1, every axis with a variance above ½ is worth it."
            ),
            Slip(
                4.64758,
                "You used a standard deviation. Variances are compared: λ of the data with c.",
            ),
            Slip(29.16, "You squared the variance. λ is compared with c as it is."),
        ),
        hint="An axis with variance λ is worth its nats if λ > c. What is c, if the weight is β?",
        why=(
            "S + βK is the −ELBO of normal pixels with variance c = β/2. An axis with variance λ "
            "carries ½ log(λ/c) nats if λ > c and none otherwise: all are silent from β = 2 · 5.4 "
            "= 10.8 on."
        ),
    ),
    Question(
        topic="choosing the latent",
        page="choosing-the-latent",
        section="Cross-entropy or squared error: one ruler for both",
        ask=(
            "A report trains one VAE three times. Cross-entropy + KL: 151.5 with 2 latent numbers, "
            "124.3 with 10. Squared error + KL, 2 latent numbers: 37.5. What follows?"
        ),
        choices=(
            Choice(
                "Squared error is four times as good.",
                False,
                "37.5 is in another unit: a squared error without the constant of its likelihood. "
                "Two losses compare only if they are costs of the same thing.",
            ),
            Choice(
                "Ten numbers beat two by 27.2 bits.",
                False,
                "27.2 is right, the unit is not: natural logarithms give nats. In bits it is 39.2.",
            ),
            Choice(
                "Nothing: losses of networks never compare.",
                False,
                "The first two do: same likelihood, same data, same weight of the KL. Whether the "
                "difference is larger than that between seeds, and holds on test digits, is the "
                "next question.",
            ),
            Choice(
                "Ten numbers beat two; 37.5 cannot be compared.",
                True,
                "151.5 and 124.3 are both −ELBO in nats with the same likelihood: 27.2 nats apart. "
                "Squared error + KL is a bound for other pixels, normal ones, and lacks its "
                "constant D/2 · log(2πc).",
            ),
        ),
    ),
    Question(
        topic="using a VAE",
        page="using-a-vae",
        section="Filling a hole",
        ask=(
            "A square of 10 × 10 pixels of a digit is set to black. A VAE encodes and decodes the "
            "image once, and the square is filled badly. Why, and what helps?"
        ),
        choices=(
            Choice(
                "The decoder is too small: widen its layers.",
                False,
                "The decoder is asked for the wrong digit: its z comes from a damaged image, "
                "whatever the size of the decoder.",
            ),
            Choice(
                "Noise in z spoils it: decode mu in its place.",
                False,
                "mu is the mean of a q(z|x) for an image with a black square. It leads to the same "
                "wrong place, without noise.",
            ),
            Choice(
                "Black was taken for paper: fill in and repeat.",
                True,
                "The encoder cannot know that black means unknown; it sees a digit with a piece "
                "missing. Fill the hole with x̂, keep the known pixels, encode again: on average "
                "the first rounds lower the error in the hole, though not for each digit.",
            ),
            Choice(
                "The KL is too strong: train with a smaller beta.",
                False,
                "A smaller β asks for a closer copy of what is there, and there is a black square.",
            ),
        ),
    ),
    Question(
        topic="broken VAEs",
        page="clinic",
        section="The table by the door",
        ask=("Which faults leave the loss curves of training and held-out digits looking healthy?"),
        several=True,
        choices=(
            Choice(
                "The KL is subtracted from the loss.",
                False,
                "The further q moves from the prior the lower the loss: it falls for ever, and the "
                "KL explodes.",
            ),
            Choice(
                "A seed is set inside generate().",
                True,
                "Training never calls generate(). Only two calls side by side show it: the same "
                "digits twice.",
            ),
            Choice(
                "The reconstruction is averaged over the pixels.",
                False,
                "The KL falls to 0 and the reconstruction stays where a mean image is: one blur "
                "for all digits.",
            ),
            Choice(
                "The held-out digits were trained on.",
                True,
                "The two curves fall together, which looks better than healthy. Compare the images "
                "themselves, not the curves.",
            ),
        ),
        why=(
            "Curves show what the loss sees. generate() and the choice of the digits are outside "
            "of it, so they are tested on their own: call generate() twice, and look for the same "
            "image in both sets."
        ),
    ),
    Question(
        topic="noise, signal and bits",
        page="bottleneck-as-a-channel",
        section="How many bits pass?",
        ask=(
            "Three independent normal latent numbers have the variance 15 each. Normal noise of "
            "variance 1 is added to each before they are decoded. How much information passes at "
            "most?"
        ),
        answer=6.0,
        tolerance=0.01,
        unit="bits",
        slips=(
            Slip(12.0, "The factor ½ is missing: it comes from the square root of a variance."),
            Slip(4.15888, "These are nats. Take logarithms to base 2 for bits."),
            Slip(2.0, "This is one of the three. Independent numbers add up."),
            Slip(
                5.86034,
                "You took log₂(15). What arrives has the variance of signal and noise together: "
                "1 + 15.",
            ),
            Slip(
                2.76178,
                "You added the three variances first. Each number has a noise of its own: take the "
                "logarithm first, then the sum.",
            ),
            Slip(4.0, "This is log₂(1 + 15): one of the three numbers, and without the ½."),
        ),
        hint="½ log₂(1 + SNR) for each number, and the sum over the three.",
        why="R = Σ ½ log₂(1 + var z / var noise) = 3 · ½ · log₂(1 + 15) = 3 · 2 = 6 bits.",
    ),
    Question(
        topic="MMD",
        page="matching-a-distribution",
        section="What the term asks for",
        ask=(
            "An autoencoder is trained on squared error + MMD between the codes of a batch and "
            "draws from N(0, I). What does the second term ask for?"
        ),
        choices=(
            Choice(
                "Every single code should lie near 0.",
                False,
                "Then all codes together would be nearly one point, and N(0, I) is a wide cloud. "
                "MMD compares two clouds, and this one would be too narrow.",
            ),
            Choice(
                "All codes together should look like N(0, I).",
                True,
                "MMD² = E k(z, z′) + E k(u, u′) − 2 E k(z, u), with z, z′ codes of different "
                "images and u, u′ draws of N(0, I): with an rbf kernel it is 0 only if the two "
                "clouds are one distribution. About a single image it says nothing.",
            ),
            Choice(
                "Each q(z|x) should be N(0, I).",
                False,
                "This is what the KL of a VAE charges for. Here an image has one code, and MMD "
                "looks at the cloud of all: the code may tell as much about the image as it likes.",
            ),
            Choice(
                "The codes of a class should form a cluster.",
                False,
                "MMD knows no classes. It would rather close the gaps between clusters, where "
                "N(0, I) has draws and the codes have none.",
            ),
        ),
    ),
    Question(
        topic="what a generator is worth",
        page="generator-worth",
        section="Coverage surprises",
        ask="Which of these hold for measures of a generator?",
        several=True,
        choices=(
            Choice(
                "A valid image never hit can make the KL infinite.",
                True,
                "KL(p ‖ q) = Σ p log(p/q), and q = 0 where p > 0 makes it infinite. Whoever "
                "reports a number has smoothed the counts, and should say how.",
            ),
            Choice(
                "Repeating the training images gives good coverage.",
                True,
                "A copy lies at distance 0 of its original. Only images that were held out tell "
                "memory from a model.",
            ),
            Choice(
                "Coverage is the share of valid generated images.",
                False,
                "It is the other way round: the share of the valid images that have a generated "
                "one near by. One perfect image, drawn for ever, is always valid and covers hardly "
                "anything.",
            ),
            Choice(
                "The size of the sample does not matter to coverage.",
                False,
                "Every further image can only cover more. Two coverages compare only for the same "
                "number of images and the same threshold.",
            ),
        ),
        why=(
            "coverage = share of valid images with a generated image nearer than the threshold; "
            "KL(p ‖ q) needs a q that sums to 1 and is nowhere 0 where p is not."
        ),
    ),
    Question(
        topic="what a latent means",
        page="latent-meaning",
        section="Ask for more: a probe",
        ask=(
            "The size of a shape correlates with none of ten latent dimensions by more than 0.1. "
            "From all ten, a small network predicts the size of held-out shapes nearly perfectly. "
            "What follows?"
        ),
        choices=(
            Choice(
                "The size is there, spread or bent.",
                True,
                "A correlation sees one dimension and a straight line. Turning ten uncorrelated "
                "dimensions leaves one with |r| of 1/√10 = 0.32 at least, so below 0.1 the size "
                "is bent, or the dimensions are correlated. A probe looks for any function of z.",
            ),
            Choice(
                "The size is not in z: 0.1 is too small.",
                False,
                "It must be in z, for nothing else was given to the network that predicts it. "
                "Small correlations say little about curves.",
            ),
            Choice(
                "The network has learned the shapes by heart.",
                False,
                "It was tested on shapes that were held out. By heart does not help there.",
            ),
            Choice(
                "One of the ten dimensions must be the size.",
                False,
                "Nothing says so: the network was given all ten. A dimension is an axis that "
                "training happened to use, not a feature.",
            ),
        ),
    ),
    Question(
        topic="conditional VAEs",
        page="asking-for-a-nine",
        section="What the code forgets",
        ask=(
            "In the latent plane of a conditional VAE the ten digits lie on top of each other, and "
            "a probe hardly reads the digit from z. Its KL is 6 nats. Is it broken?"
        ),
        choices=(
            Choice(
                "Yes: z should tell the digits apart.",
                False,
                "In a plain VAE only z can tell them apart. Here the decoder is told the digit, "
                "and z is free for the rest: slant, width, how the 7 is crossed.",
            ),
            Choice(
                "Yes: the posterior has collapsed.",
                False,
                "Collapse is a KL of 0, for then z says nothing. 6 nats say a good deal; only not "
                "which digit it is.",
            ),
            Choice(
                "No: clusters will come with more epochs.",
                False,
                "They would have to be paid for: a nat that z spends on the digit is wasted where "
                "the label says it for free.",
            ),
            Choice(
                "No: the label says it, so z need not.",
                True,
                "loss = −E_q[log p(x|z, y)] + KL(q(z|x, y) ‖ p(z)). The label y reaches the "
                "decoder at no charge, and each nat that z spends on y costs one and saves none.",
            ),
        ),
    ),
)
