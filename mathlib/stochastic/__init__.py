"""Stochastic methods: at every step the loss is another one, l_t, and so is its gradient. The map of this wing.

===============  =========================================================================================
``streams``      `minibatches`, the stream of losses
``schedules``    `linear_decay`, `cosine`: step sizes that depend on t
``steps``        `Step`, the checks at the door of each method, how it begins and is resumed
``blocks``       theta as the blocks of its layers, matrices and vectors
``first_order``  `sgd`, `momentum`, `adam`, `adamw`
``steepest``     `steepest_descent`, `sign_descent`, `muon`
``rotated``      `soap`: Adam in the eigenbasis of a matrix's two sides
``diagonal``     `sophia`, `adahessian`: the diagonal of the Hessian by products
``kronecker``    `shampoo`, `kfac`, and `factors`, what K-FAC sees of a network's curvature
``drift``        `second_order_adam`, `hessian_corrected_momentum`, `smd`, `hypergradient`, `carried_drift`
``self_tuning``  `cdat`, `schedule_free`, `prodigy`
``averaged``     `averaged_adam`
``noise``        `gradient_noise`, `gradient_drift`
===============  =========================================================================================

A method is a generator of steps, made of a stream of losses, and its body reads like the slide, or like its paper. All
step in the same way: ``theta -= eta ⊙ g_hat``, with `eta` and `gradient_estimate` of the `Step`, or, where a method
makes a vector of its estimate in another way, by the `move` of the `Step`.
"""

from mathlib.stochastic.averaged import averaged_adam
from mathlib.stochastic.diagonal import adahessian, sophia
from mathlib.stochastic.drift import (
    carried_drift,
    hessian_corrected_momentum,
    hypergradient,
    second_order_adam,
    smd,
)
from mathlib.stochastic.first_order import adam, adamw, momentum, sgd
from mathlib.stochastic.kronecker import Factors, factors, kfac, shampoo
from mathlib.stochastic.noise import GradientDrift, GradientNoise, gradient_drift, gradient_noise
from mathlib.stochastic.rotated import soap
from mathlib.stochastic.schedules import cosine, linear_decay
from mathlib.stochastic.self_tuning import cdat, prodigy, schedule_free
from mathlib.stochastic.steepest import muon, sign_descent, steepest_descent
from mathlib.stochastic.steps import Step
from mathlib.stochastic.streams import minibatches

__all__ = [
    "Factors",
    "GradientDrift",
    "GradientNoise",
    "Step",
    "adahessian",
    "adam",
    "adamw",
    "averaged_adam",
    "carried_drift",
    "cdat",
    "cosine",
    "factors",
    "gradient_drift",
    "gradient_noise",
    "hessian_corrected_momentum",
    "hypergradient",
    "kfac",
    "linear_decay",
    "minibatches",
    "momentum",
    "muon",
    "prodigy",
    "schedule_free",
    "second_order_adam",
    "sgd",
    "shampoo",
    "sign_descent",
    "smd",
    "soap",
    "sophia",
    "steepest_descent",
]
