"""Writes logistic_regression.json: scikit-learn's answers for the breast cancer table.

Run once, by hand, where scikit-learn is installed; the tests only read the file:

    python tests/data/record_logistic_regression.py

Each entry holds the inverse strength C, and the weights and the offset that minimise

    1/2 * sum(w**2) + C * sum of the cross entropies

over all 569 samples, with every column brought to mean 0 and standard deviation 1.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
TABLE = HERE.parents[1] / "examples" / "data" / "breast_cancer.npz"


def answer(x, y, C):
    model = LogisticRegression(C=C, tol=1e-12, max_iter=100_000).fit(x, y)
    return {"C": C, "weights": model.coef_[0].tolist(), "offset": float(model.intercept_[0])}


def main():
    with np.load(TABLE) as file:
        x, y = StandardScaler().fit_transform(file["features"]), file["malignant"]
    record = {
        "source": f"scikit-learn {sklearn.__version__}: LogisticRegression(C, tol=1e-12, max_iter=100000), "
        "StandardScaler",
        "recorded_by": "tests/data/record_logistic_regression.py",
        "answers": [answer(x, y, C) for C in (1.0, 0.1)],
    }
    (HERE / "logistic_regression.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
