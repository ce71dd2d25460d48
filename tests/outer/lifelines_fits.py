"""Fit lifelines' models to its own data sets, with autograd or with minigrad in its place; print the parameters.

    python lifelines_fits.py autograd
    python lifelines_fits.py minigrad
"""

import json
import sys
import warnings

import numpy as np


def fits():
    """Yield a name and the fitted parameters."""
    import lifelines
    from lifelines import datasets

    waltons, rossi, diabetes = datasets.load_waltons(), datasets.load_rossi(), datasets.load_diabetes()
    regression = datasets.load_regression_dataset()
    T, E = waltons["T"], waltons["E"]
    for name in (
        "WeibullFitter", "ExponentialFitter", "LogNormalFitter", "LogLogisticFitter", "GeneralizedGammaFitter",
    ):  # fmt: skip
        yield name, getattr(lifelines, name)().fit(T, E).params_
    yield "PiecewiseExponentialFitter", lifelines.PiecewiseExponentialFitter([20, 40]).fit(T, E).params_
    yield "SplineFitter", lifelines.SplineFitter([10, 30, 60]).fit(T, E).params_
    yield "left", lifelines.WeibullFitter().fit_left_censoring(T, E).params_
    yield "interval", lifelines.WeibullFitter().fit_interval_censoring(diabetes["left"], diabetes["right"]).params_
    yield "mixture", lifelines.MixtureCureFitter(base_fitter=lifelines.WeibullFitter()).fit(T, E).params_
    for name in ("WeibullAFTFitter", "LogNormalAFTFitter", "LogLogisticAFTFitter", "GeneralizedGammaRegressionFitter"):
        yield name, getattr(lifelines, name)().fit(regression, "T", "E").params_
    yield "ancillary", lifelines.WeibullAFTFitter().fit(rossi, "week", "arrest", ancillary=True).params_
    yield "penalised", lifelines.WeibullAFTFitter(penalizer=0.1).fit(rossi, "week", "arrest").params_
    yield "piecewise", lifelines.PiecewiseExponentialRegressionFitter([20, 35]).fit(rossi, "week", "arrest").params_
    yield "CoxPHFitter", lifelines.CoxPHFitter().fit(rossi, "week", "arrest").params_
    yield "Cox, L1", lifelines.CoxPHFitter(penalizer=0.1, l1_ratio=0.5).fit(rossi, "week", "arrest").params_
    spline = lifelines.CoxPHFitter(baseline_estimation_method="spline", n_baseline_knots=3)
    yield "Cox, spline", spline.fit(rossi, "week", "arrest").params_
    yield "errors", lifelines.WeibullAFTFitter().fit(regression, "T", "E").standard_errors_


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "minigrad":
        import in_its_place

        in_its_place.take_autograds_place()
    found = {name: np.asarray(parameters, dtype=float).ravel().tolist() for name, parameters in fits()}
    assert sys.argv[1] == "autograd" or in_its_place.nothing_of_autograds_own()
    print(json.dumps(found))
