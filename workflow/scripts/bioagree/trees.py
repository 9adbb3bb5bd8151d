"""Decision forests as plain arrays: ten times faster to apply, and safe and stable in files.

scikit-learn grows the trees. What applies them here gives scikit-learn's probabilities, needs no
scikit-learn, and stores no code.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

ROWS = 1 << 14  # a task for one thread


@dataclass(frozen=True)
class Trees:
    """Every node of every tree, one after another.

    Parameters
    ----------
    roots : numpy.ndarray of int32, shape (trees,)
        Where each tree begins.
    feature : numpy.ndarray of int32, shape (nodes,)
        The column that a node looks at; -1 in a leaf.
    threshold : numpy.ndarray of float32, shape (nodes,)
        A row goes to `left` when its value is at most this, else to the node after `left`.
    left : numpy.ndarray of int32, shape (nodes,)
        The left child.
    shares : numpy.ndarray of float32, shape (nodes, classes)
        Share of each class among the training rows of a leaf.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    shares: np.ndarray


def from_sklearn(forest) -> Trees:
    """Return the trees of a fitted ``sklearn.ensemble.RandomForestClassifier``."""
    parts = [_flatten(estimator.tree_) for estimator in forest.estimators_]
    starts = np.cumsum([0, *(len(feature) for feature, *_ in parts)])
    feature, threshold, left, shares = (
        np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    left += np.repeat(starts[:-1], np.diff(starts)).astype(np.int32) * (feature >= 0)
    return Trees(starts[:-1].astype(np.int32), feature, threshold, left, shares)


def probabilities(trees: Trees, values: np.ndarray) -> np.ndarray:
    """Return the mean over the trees of the shares in the leaf that each row falls into.

    Parameters
    ----------
    trees : Trees
        A forest.
    values : numpy.ndarray, shape (rows, columns)
        Without missing values.

    Returns
    -------
    numpy.ndarray of float64, shape (rows, classes)
        Each row adds up to one.
    """
    values = np.ascontiguousarray(values, np.float32)
    result = np.zeros((len(values), trees.shares.shape[1]))
    arrays = (trees.roots, trees.feature, trees.threshold, trees.left, trees.shares)
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        blocks = [slice(start, start + ROWS) for start in range(0, len(values), ROWS)]
        done = [pool.submit(_add, *arrays, values[block], result[block]) for block in blocks]
        for task in done:
            task.result()
    return result / len(trees.roots)


def permuted(trees: Trees, values: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Return :func:`probabilities` after each column alone has been permuted.

    Only the trees that look at a column on a row's way are walked again.

    Parameters
    ----------
    trees : Trees
        A forest.
    values : numpy.ndarray, shape (rows, columns)
        Without missing values.
    orders : numpy.ndarray of int, shape (columns, repeats, rows)
        From which row each takes its value of that column.

    Returns
    -------
    numpy.ndarray of float64, shape (columns, repeats, rows, classes)
    """
    values = np.ascontiguousarray(values, np.float32)
    arrays = (trees.roots, trees.feature, trees.threshold, trees.left, trees.shares)
    classes = trees.shares.shape[1]
    changes = np.zeros((len(values), *orders.shape[:2], classes))
    parts = np.array_split(np.arange(len(values)), numba.get_num_threads())
    with ThreadPoolExecutor(len(parts)) as pool:
        done = [pool.submit(_add_changes, *arrays, values, orders, part, changes) for part in parts]
        for task in done:
            task.result()
    changes /= len(trees.roots)
    return changes.transpose(1, 2, 0, 3) + probabilities(trees, values)


def _flatten(tree) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Renumber the nodes breadth first, so that a right child follows its left one."""
    order = [0]
    for node in order:
        if tree.children_left[node] >= 0:
            order += [tree.children_left[node], tree.children_right[node]]
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    leaf = tree.children_left[order] < 0
    left = np.where(leaf, 0, place[tree.children_left[order]]).astype(np.int32)
    feature = np.where(leaf, -1, tree.feature[order]).astype(np.int32)
    shares = tree.value[order, 0]
    shares = shares / shares.sum(axis=1, keepdims=True)
    return feature, _round_down(tree.threshold[order]), left, shares.astype(np.float32)


def _round_down(threshold: np.ndarray) -> np.ndarray:
    """Return the largest 32-bit values that are not larger: the same rows go left."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


@numba.njit(cache=True, nogil=True)
def _add(roots, feature, threshold, left, shares, values, result):
    # Tree by tree: one tree stays in the processor's cache while all rows go through it.
    for root in roots:
        for row in range(len(values)):
            node = root
            while feature[node] >= 0:
                node = left[node] + (values[row, feature[node]] > threshold[node])
            for k in range(shares.shape[1]):
                result[row, k] += shares[node, k]


@numba.njit(cache=True, nogil=True)
def _add_changes(roots, feature, threshold, left, shares, values, orders, rows, changes):
    path = np.empty(values.shape[1], np.int64)
    seen = np.full(values.shape[1], -1)
    walk = 0
    for root in roots:
        for row in rows:
            walk += 1
            length = 0
            leaf = root
            while feature[leaf] >= 0:
                column = feature[leaf]
                if seen[column] != walk:
                    seen[column] = walk
                    path[length] = column
                    length += 1
                leaf = left[leaf] + (values[row, column] > threshold[leaf])
            for column in path[:length]:
                for repeat in range(orders.shape[1]):
                    other = values[orders[column, repeat, row], column]
                    node = root
                    while feature[node] >= 0:
                        at = feature[node]
                        value = other if at == column else values[row, at]
                        node = left[node] + (value > threshold[node])
                    if node != leaf:
                        for k in range(shares.shape[1]):
                            changes[row, column, repeat, k] += shares[node, k] - shares[leaf, k]
