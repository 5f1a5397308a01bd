"""A mixture of Gaussians over colours: how likely is a colour to be skin, hair or cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

ITERATIONS = 4
MOST_SAMPLES = 600
"""More samples do not change the mixture, only the time it takes."""


@dataclass(frozen=True)
class ColourModel:
    """Gaussian mixture in D dimensions with K components."""

    means: Array
    """(K,D)"""
    whitenings: Array
    """(K,D,D): ``whitening @ (x - mean)`` has unit covariance."""
    log_scales: Array
    """(K,) logarithms of weight over normalisation."""

    def log_likelihood(self, features: Array) -> Array:
        """(N,) log density of (N,D) features."""
        return log_sum(self.log_terms(features))

    def log_terms(self, features: Array) -> Array:
        """(K,N) log densities of the weighted components."""
        columns = features.T
        terms = np.empty((len(self.means), len(features)))
        for k, (mean, whitening) in enumerate(zip(self.means, self.whitenings, strict=True)):
            white = whitening @ (columns - mean[:, None])
            terms[k] = self.log_scales[k] - 0.5 * np.einsum("dn,dn->n", white, white)
        return terms


def log_sum(terms: Array) -> Array:
    """(N,) logarithm of the sum of exponentials over the first axis of (K,N)."""
    peak = terms.max(axis=0)
    return peak + np.log(np.exp(terms - peak).sum(axis=0))


def fit_colours(samples: Array, count: int, noise: Array, seed: int = 0) -> ColourModel:
    """Expectation maximisation from (N,D) samples, N >= 1, with at most ``count`` components.

    ``noise`` (D,) is the least standard deviation of a component; it keeps few samples honest.
    """
    random = np.random.default_rng(seed)
    if len(samples) > MOST_SAMPLES:
        samples = samples[random.choice(len(samples), MOST_SAMPLES, replace=False)]
    samples = np.asarray(samples, np.float64)
    # Quantiles along the lightness spread the first components over shadow and light.
    order = np.argsort(samples[:, 0], kind="stable")
    groups = np.array_split(order, min(count, len(samples)))
    shares = np.zeros((len(groups), len(samples)))
    for column, group in enumerate(groups):
        shares[column, group] = 1.0
    model = _maximise(samples, shares, noise)
    for _ in range(ITERATIONS):
        terms = model.log_terms(samples)
        shares = np.exp(terms - log_sum(terms))
        model = _maximise(samples, shares, noise)
    return model


def _maximise(samples: Array, shares: Array, noise: Array) -> ColourModel:
    counts = shares.sum(axis=1) + 1e-9
    means = shares @ samples / counts[:, None]
    whitenings, log_scales = [], []
    for k, count in enumerate(counts):
        offset = samples - means[k]
        covariance = (shares[k, :, None] * offset).T @ offset / count + np.diag(np.square(noise))
        whitenings.append(np.linalg.cholesky(np.linalg.inv(covariance)).T)
        log_scales.append(np.log(count / counts.sum()) - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1])
    return ColourModel(means, np.array(whitenings), np.array(log_scales))
