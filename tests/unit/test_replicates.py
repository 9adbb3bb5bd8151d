"""Is a sample taken again under the change that was asked for, and no other?"""

from dataclasses import replace

import numpy as np
import pytest
from bioagree import phantoms
from bioagree.errors import InputError
from bioagree.images import Image
from bioagree.replicates import again, noise_of, perturb

GRID = Image(np.full((64, 64), 500, np.uint16), "YX", (0.5, 0.5), "a", ("nuclei",))


def smooth(size=128):
    y, x = np.indices((size, size))
    return 1000 + 300 * np.sin(x / 15) * np.cos(y / 20)


@pytest.mark.parametrize("sd", [2.0, 10.0, 50.0])
def test_noise_is_estimated_as_it_was_added(sd):
    noisy = smooth() + np.random.default_rng(0).normal(0, sd, (128, 128))
    image = Image(noisy, "YX", (1.0, 1.0), "a", ("n",))
    assert noise_of(image).item() == pytest.approx(sd, rel=0.05)


def test_every_channel_has_its_own_noise():
    random = np.random.default_rng(0)
    stack = np.stack([smooth() + random.normal(0, sd, (128, 128)) for sd in (3, 30)])
    image = Image(stack, "CYX", (1.0, 1.0), "a", ("x", "y"))
    assert noise_of(image).ravel() == pytest.approx([3, 30], rel=0.1)


def test_noise_of_a_given_amount_is_added():
    noisy, facts = perturb(GRID, "noise", 3, 7.0)
    assert noisy.array.dtype == np.uint16
    assert (noisy.array - 500.0).std() == pytest.approx(7, rel=0.05)
    assert facts == {"image": "a", "noise_sd": [7.0]}


def test_replicates_differ_and_can_be_made_again():
    first, _ = perturb(GRID, "noise", 1, 5.0)
    second, _ = perturb(GRID, "noise", 2, 5.0)
    repeated, _ = perturb(GRID, "noise", 1, 5.0)
    assert (first.array != second.array).any()
    np.testing.assert_array_equal(first.array, repeated.array)


def test_images_of_one_sample_have_noise_of_their_own():
    first, _ = perturb(GRID, "noise", 1, 5.0)
    second, _ = perturb(replace(GRID, name="b"), "noise", 1, 5.0)
    assert (first.array != second.array).any()


def test_a_shift_moves_the_image_by_what_the_record_says():
    from scipy.ndimage import gaussian_filter
    from skimage.registration import phase_cross_correlation

    texture = 1000 * gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 3)
    image = Image(texture.astype(np.float32), "YX", (1.0, 1.0), "a", ("n",))
    moved, facts = perturb(image, "shift", 5, 3.0)
    inner = np.s_[10:-10, 10:-10]
    shift, _, _ = phase_cross_correlation(
        moved.array[inner], image.array[inner], upsample_factor=50, normalization=None
    )
    assert shift == pytest.approx(facts["shift_voxels"], abs=0.15)
    assert max(map(abs, facts["shift_voxels"])) <= 3


def test_another_device_gets_the_very_same_image():
    same, _ = perturb(GRID, "device", 0)
    assert same is GRID


def test_an_unknown_change_is_refused():
    with pytest.raises(InputError, match="noise, shift and device"):
        perturb(GRID, "blur", 0)


def test_a_phantom_is_taken_again_with_the_same_objects():
    known = {"seed": 3, "shape_y": 64, "shape_x": 64, "voxel_xy_um": 0.5, "count": 4}
    known |= {"radius_um": 3.0}
    dataset = {"files": [{"url": "phantom:nuclei", "parameters": known}]}
    image, truth, _ = phantoms.nuclei(**known)
    taken, facts = again(dataset, 11, "a")
    assert (taken.array != image.array).any()
    inside = truth.array > 0
    assert taken.array[inside].mean() == pytest.approx(image.array[inside].mean(), rel=0.05)
    assert facts == {"image": "a", "noise_seed": 11}
    assert taken.name == "a"
    assert again({"folder": "x"}, 11, "a") is None
