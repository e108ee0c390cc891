"""The image classifier: digits it has not seen, features, and its own rows only."""

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from cgm_jax.features import ImageClassifier

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    return images[order].astype(np.float32), labels[order]


@pytest.fixture(scope="module")
def model(digits):
    images, labels = digits
    classifier = ImageClassifier(num_steps=250, channels=8)
    return classifier.fit(
        jax.random.key(0), images[:1_300], labels[:1_300], shape=SHAPE
    )


@pytest.mark.medium
def test_digits_it_has_not_seen(model, digits):
    images, labels = digits
    accuracy = np.mean(model.labels(images[1_300:]) == labels[1_300:])
    assert accuracy > 0.95
    # 130 held-out and 497 other digits: four standard errors of their difference.
    allowed = 4 * np.sqrt(0.05 * 0.95 * (1 / 130 + 1 / 497))
    assert model.accuracy == pytest.approx(accuracy, abs=allowed)
    assert (130 * model.accuracy) % 1 == pytest.approx(0, abs=1e-9)


@pytest.mark.medium
def test_the_features_tell_the_digits_apart(model, digits):
    images, labels = digits
    features = model.features(images)
    assert features.shape == (len(images), 64)
    assert features.dtype == np.float32
    linear = LogisticRegression(max_iter=1_000).fit(features[:1_300], labels[:1_300])
    assert linear.score(features[1_300:], labels[1_300:]) > 0.95


@pytest.mark.medium
def test_the_label_is_a_linear_function_of_the_features(model, digits):
    images, _ = digits
    head = model.weights["head"]
    kernel, bias = (np.asarray(head[name][...], float) for name in ("kernel", "bias"))
    scores = model.features(images) @ kernel + bias[None]
    np.testing.assert_array_equal(model.classes[scores.argmax(1)], model.labels(images))


@pytest.mark.parametrize("num", [1, 511, 512, 513])
@pytest.mark.medium
def test_each_image_by_itself_whatever_the_number(model, digits, num):
    images, _ = digits
    features = model.features(images)
    np.testing.assert_allclose(model.features(images[:num]), features[:num], rtol=1e-5)
    assert model.labels(images[:num]).shape == (num,)


@pytest.mark.medium
def test_same_key_same_model_under_any_setting(digits):
    images, labels = digits
    classifier = ImageClassifier(num_steps=5, channels=2, feature_size=4)

    def features(images, seed):
        key = jax.random.key(seed, impl="threefry2x32")
        trained = classifier.fit(key, images, labels[:100], shape=SHAPE)
        assert trained.features(images).dtype == np.float32
        return trained.features(images)

    first = features(images[:100], 0)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(features(images[:100].astype(float), 0), first)
    assert not np.allclose(features(images[:100], 1), first)


@pytest.mark.medium
def test_labels_that_are_text_and_images_of_three_channels():
    random = np.random.default_rng(0)
    red, blue = np.zeros((2, 30, 6, 5, 3))
    red[..., 0], blue[..., 2] = random.uniform(size=(2, 30, 6, 5))
    images = np.concatenate([red, blue]).reshape(60, -1)
    names = np.repeat(["red", "blue"], 30)
    classifier = ImageClassifier(num_steps=60, channels=4)
    model = classifier.fit(jax.random.key(0), images, names, shape=(6, 5, 3))
    assert model.accuracy == 1
    np.testing.assert_array_equal(model.labels(images), names)


@pytest.mark.medium
def test_images_that_are_all_the_same():
    images = np.ones((10, 16))
    classifier = ImageClassifier(num_steps=3)
    model = classifier.fit(jax.random.key(0), images, np.zeros(10), shape=(4, 4, 1))
    assert model.accuracy == 1
    assert np.isfinite(model.features(images)).all()


@pytest.mark.medium
def test_the_held_out_images_are_not_trained_on(digits):
    images, labels = (array[:100] for array in digits)
    classifier = ImageClassifier(num_steps=5, channels=2, feature_size=4)
    key = jax.random.key(0, impl="threefry2x32")
    order = np.asarray(jax.random.permutation(jax.random.split(key, 3)[0], 100))

    def fitted(changed):
        """With other images and labels in some rows."""
        others, theirs = images.copy(), labels.copy()
        others[changed] = 16 - others[changed]
        theirs[changed] = np.roll(theirs[changed], 1)
        model = classifier.fit(key, others, theirs, shape=SHAPE)
        right = model.labels(others) == theirs
        return jax.tree.leaves(model.weights), model.accuracy, right[order[:10]].mean()

    first, of_held_out, of_others = map(fitted, ([], order[:10], order[10:12]))
    for _, accuracy, expected in (first, of_held_out, of_others):
        assert accuracy == pytest.approx(expected, abs=1e-9)
    assert all(map(np.array_equal, first[0], of_held_out[0]))
    assert not all(map(np.array_equal, first[0], of_others[0]))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 63)), np.zeros(4), "8 x 8 x 1 = 64 numbers, got rows of 63"),
        (np.zeros((4, 64)), np.zeros(3), r"each of the 4 images.*\(3,\)"),
        (np.zeros((1, 64)), np.zeros(1), "at least 2 images.*got 1"),
        (np.full((4, 64), np.nan), np.zeros(4), "finite numbers in images"),
    ],
)
def test_what_is_refused(images, labels, message):
    with pytest.raises(ValueError, match=message):
        ImageClassifier().fit(jax.random.key(0), images, labels, shape=SHAPE)


@pytest.mark.medium
def test_other_images_are_refused(model):
    with pytest.raises(ValueError, match="got rows of 784"):
        model.labels(np.zeros((2, 784)))


@pytest.mark.parametrize("option", ["num_steps", "channels", "feature_size"])
def test_options_without_meaning(option):
    with pytest.raises(ValueError, match=f"{option} of at least 1, got 0"):
        ImageClassifier(**{option: 0})
