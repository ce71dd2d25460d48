"""Races of optimisers, the page for momentum, the landscape around a model: their numbers, and what a browser shows."""

import itertools
import json
import math
import re

import numpy as np
import pytest
from browser import found_in_browser

from minigrad import (
    ADADelta,
    ADAM,
    Descent,
    Momentum,
    Optimiser,
    Scheduler,
    Tensor,
    WeightDecay,
    apply_,
    explore_momentum,
    landscape,
    race,
    train_,
    update_,
)
from minigrad.showing import PROBLEMS, Problem, racing, ravine
from minigrad.showing.momentum import radius, region
from minigrad.showing.racing import RATES

# --------------------------------------------------------------------------------------------- the functions
SLOPES = {  # by hand
    "rosenbrock": lambda x, y: (-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
    "himmelblau": lambda x, y: (
        4 * x * (x * x + y - 11) + 2 * (x + y * y - 7),
        2 * (x * x + y - 11) + 4 * y * (x + y * y - 7),
    ),
    "saddle": lambda x, y: (2 * x, -2 * y),
    "ravine": lambda x, y: (x, 100 * y),
    "rastrigin": lambda x, y: tuple(2 * u + 20 * math.pi * math.sin(2 * math.pi * u) for u in (x, y)),
    "noisy bowl": lambda x, y: (x, y),
}


def descent_by_hand(name, rate, steps):
    point = np.array(PROBLEMS[name].start, float)
    path = [point]
    for _ in range(steps):
        point = point - rate * np.array(SLOPES[name](*point))
        path.append(point)
    return np.array(path)


@pytest.mark.parametrize("name", [name for name in SLOPES if name != "noisy bowl"])
def test_the_paths_are_those_of_the_rule_by_hand(name):
    rate = 0.001

    path = race(name, opts=[Descent(rate)], steps=30, tune=False).paths["Descent"]

    np.testing.assert_allclose(path, descent_by_hand(name, rate, 30), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_minima_are_minima(name):
    problem, rng = PROBLEMS[name], np.random.default_rng(0)
    for minimum in problem.minima:
        around = np.array(minimum)[:, None] + rng.normal(scale=1e-3, size=(2, 50))

        assert problem.f(np.array(minimum, float)) <= 1e-12 and np.all(problem.f(around) > 0)


def test_all_competitors_at_once_go_where_each_goes_alone():
    opts = {"a": Descent(1e-3), "b": Momentum(1e-3), "c": ADAM(0.1), "d": Optimiser(WeightDecay(0.1), ADAM(0.1))}

    together = race("rosenbrock", opts=opts, steps=100, tune=False)

    for name, opt in opts.items():
        alone = race("rosenbrock", opts={name: opt}, steps=100, tune=False)
        np.testing.assert_allclose(together.paths[name], alone.paths[name], rtol=1e-9)


@pytest.mark.parametrize("problem", ["rosenbrock", "noisy bowl"])
def test_points_and_slopes_are_laid_out_so_that_no_step_copies_them(monkeypatch, problem):
    seen = []
    monkeypatch.setattr(racing, "update_", lambda opt, *rows: seen.extend([row.flags.c_contiguous for row in rows]))

    race(problem, steps=5)

    assert all(seen) and len(seen) == 2 * 5 * 8 * len(RATES)


def test_a_function_for_one_point_alone_is_raced_too():
    def f(p):  # sums over what it is given, so several points at once would be mixed up
        return np.sum((p - 1) ** 2) + np.prod(p)

    def many(p):
        return (p[0] - 1) ** 2 + (p[1] - 1) ** 2 + (p[2] - 1) ** 2 + p[0] * p[1] * p[2]

    one, several = (race(g, [2.0, 3.0, 0.5], [Descent(), ADAM()], steps=40) for g in (f, many))

    for name in one.paths:
        np.testing.assert_allclose(one.paths[name], several.paths[name], rtol=1e-9)


# ------------------------------------------------------------------------------------------------- fairness
def test_each_rule_gets_the_best_of_the_same_rates():
    rates = [1e-4, 1e-3, 1e-2, 0.1]
    opts = {"descent": Descent(7.0), "momentum": Momentum(7.0), "adam": ADAM(7.0)}

    tuned = race("ravine", opts=opts, steps=50, rates=rates)

    for name, kind in (("descent", Descent), ("momentum", Momentum), ("adam", ADAM)):
        ends = {rate: race("ravine", opts=[kind(rate)], steps=50, tune=False).values for rate in rates}
        ends = {rate: v[kind.__name__][-1] for rate, v in ends.items() if np.isfinite(v[kind.__name__]).all()}
        assert tuned.rates[name] == min(ends, key=ends.get)
    assert opts["adam"].eta == 7.0 and not opts["adam"].state


def test_a_rule_without_a_rate_and_one_with_a_schedule_race_as_they_are():
    scheduled = Scheduler(Descent(), eta=lambda t: 0.01 / t)

    result = race("ravine", opts={"adadelta": ADADelta(), "scheduled": scheduled}, steps=5)

    assert result.rates["adadelta"] is None
    x, path = np.array(PROBLEMS["ravine"].start), []
    for t in range(1, 7):
        path.append(x)
        x = x - 0.01 / t * np.array([x[0], 100 * x[1]])
    np.testing.assert_allclose(result.paths["scheduled"], path, rtol=1e-12)


class Sign:
    def __init__(self, eta):
        self.eta = eta


@apply_.register
def apply_sign(opt: Sign, x, dx):
    return opt.eta * np.sign(dx)


def test_rules_of_ones_own_are_tuned_and_race():
    result = race("ravine", opts=[Sign(5.0), Descent()], steps=40)

    assert set(result.paths) == {"Sign", "Descent"} and result.rates["Sign"] in RATES
    assert repr(Sign(5.0)).startswith("<")  # what has no repr of its own goes by its class


def test_the_same_seed_gives_the_same_noise_to_all_and_another_seed_another():
    first, again = (race("noisy bowl", opts={"a": Descent(), "b": Descent()}, steps=20, seed=3) for _ in range(2))
    other = race("noisy bowl", opts=[Descent()], steps=20, seed=4)

    assert np.array_equal(first.paths["a"], again.paths["a"]) and np.array_equal(first.paths["a"], first.paths["b"])
    assert not np.array_equal(first.paths["a"], other.paths["Descent"])


# ------------------------------------------------------------------------------------------------ the table
def test_the_table_says_where_each_ended_when_it_arrived_and_what_it_lost():
    result = race("ravine", opts={"good": Descent(0.015), "lost": Descent(1.0)}, steps=400, tune=False)

    (good, rate, y, distance, arrived, diverged), (lost, *_, lost_diverged) = result.rows()

    path = descent_by_hand("ravine", 0.015, 400)
    values = (path[:, 0] ** 2 + 100 * path[:, 1] ** 2) / 2
    assert (good, rate, diverged, lost, lost_diverged) == ("good", 0.015, False, "lost", True)
    assert y == pytest.approx(values[-1], rel=1e-6) and distance == pytest.approx(math.hypot(*path[-1]), rel=1e-6)
    assert arrived == np.flatnonzero(values <= 1e-3 * values[0])[0]
    assert "diverged" in repr(result).splitlines()[-1] and result.winner == "good"


def test_paths_that_leave_the_window_are_drawn_up_to_its_surroundings(tmp_path):
    from matplotlib.figure import Figure

    result = race("ravine", opts={"lost": Descent(1.0), "good": Descent(0.01)}, steps=300, tune=False)

    ax = result.plot(Figure().subplots())
    assert all(np.isfinite(line.get_data()).all() for line in ax.lines)
    result.page().save(tmp_path / "race.html")
    assert "NaN" not in (tmp_path / "race.html").read_text() and "Infinity" not in (tmp_path / "race.html").read_text()


# --------------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    "arguments, error, said",
    [
        ((lambda p: np.log(p[0]) + p[1], [-1.0, 1.0]), ValueError, "f is nan at the start"),
        ((lambda p: p[0] / 0.0, [1.0, 1.0]), ValueError, "f is inf at the start"),
        ((lambda p: p[0] ** 2, [1.0]), ValueError, "two or more finite numbers"),
        ((lambda p: p**2, 1.0), ValueError, "two or more finite numbers"),
        ((lambda p: p[0] ** 2, [[1.0, 2.0], [3.0]]), ValueError, "all competitors have the same"),
        ((lambda p: p[0] ** 2, [[1.0, 2.0], [3.0, 4.0]]), ValueError, "the same for all"),
        ((lambda p: p[0] ** 2, [math.nan, 2.0]), ValueError, "two or more finite numbers"),
        ((lambda p: p**2, [1.0, 2.0]), TypeError, "must return one real number"),
        ((lambda p: p[0] ** 2,), ValueError, "needs a start"),
        (("rosenbrok",), ValueError, "there is no problem 'rosenbrok'"),
        (("rosenbrock", [1.0, 2.0, 3.0]), ValueError, "a function of 2 numbers"),
        ((3.0, [1.0, 2.0]), TypeError, "must be a function"),
        (("saddle", None, []), ValueError, "nobody to race"),
        (("saddle", None, ["adam"]), TypeError, "ADAM"),
        (("saddle", None, [ADAM]), TypeError, "is a class"),
        (("saddle", None, None, 0), ValueError, "steps must be"),
    ],
)
def test_bad_input_is_refused_with_what_to_write(arguments, error, said):
    with np.errstate(all="ignore"), pytest.raises(error, match=said):
        race(*arguments)


def test_rates_and_conditions_are_checked():
    with pytest.raises(ValueError, match="numbers > 0"):
        race("saddle", rates=[0.1, -1])
    with pytest.raises(ValueError, match="a number >= 1"):
        ravine(0.5)


@pytest.mark.parametrize("window", [3, (1, 2), ((1, 1), (0, 1)), ((0, 1), (1, 0)), ((0, 1), (0, np.inf)), "ab"])
def test_a_window_has_two_sides_of_some_length(window):
    with pytest.raises(ValueError, match="the window is"):
        race("saddle", window=window)


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert len(race("saddle", opts=[ADAM()], steps=np.int64(3)).values["ADAM"]) == 4
    W = Tensor([1.0, 2.0])
    assert landscape(lambda: np.sum(W**2), W, points=np.int32(3)).heights.shape == (3, 3)
    assert len(train_(lambda: np.sum(W**2), W, [()], ADAM(), epochs=np.int32(2), progress="silent")) == 2


def test_a_landscape_of_what_is_no_number_or_nowhere_finite_says_so():
    W = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="must be one number"):
        landscape(lambda: W**2, W)
    with pytest.raises(ValueError, match="finite nowhere"):
        landscape(lambda: np.sum(W) * np.nan, W)
    assert W.data.tolist() == [1.0, 2.0]


# --------------------------------------------------------------------------------------------------- momentum
GRID = list(itertools.product([0.01, 0.3, 1.0, 2.5, 3.9], [0.0, 0.2, 0.5, 0.81, 0.99], [0.05, 1.0, 4.0]))


def path_of_momentum(eta, rho, curvature, steps):
    """Return x after each step of ``Momentum`` from 1."""
    x, opt, path = Tensor([1.0]), Momentum(eta, rho), []
    for _ in range(steps):
        update_(opt, x, curvature * x.data)
        path.append(x.data[0])
    return np.array(path)


def test_the_radius_is_how_fast_momentum_comes_nearer_or_goes_away():
    for eta, rho, curvature in [(0.1, 0.5, 1.0), (0.3, 0.81, 2.0), (3.2, 0.5, 1.0), (1.5, 0.01, 1.0)]:
        path = np.abs(path_of_momentum(eta, rho, curvature, 200))

        rate = (path[150:].max() / path[50:100].max()) ** 0.01
        assert rate == pytest.approx(radius(eta, rho, curvature), rel=0.03)


def test_regions_are_what_the_path_does():
    seen = set()
    for eta, rho, curvature in GRID:
        path, what = path_of_momentum(eta, rho, curvature, 60), region(eta, rho, curvature)
        turns = np.sum(np.diff(np.sign(path[np.abs(path) > 1e-12])) != 0)
        seen.add(what)
        if what == "diverges":
            assert abs(path[-1]) >= 0.9
        elif what == "steady":
            assert turns <= 1
        elif what == "zigzags":
            assert turns >= np.sum(np.abs(path) > 1e-12) - 3  # from one side to the other at each step
    assert seen == {"steady", "ripples", "zigzags", "diverges"}


@pytest.mark.parametrize("given", [{"eta": 0}, {"rho": 1.0}, {"curvature": -1}, {"eta": math.nan}])
def test_the_sliders_have_limits(given):
    with pytest.raises(ValueError, match="outside of its slider"):
        explore_momentum(**given)


# -------------------------------------------------------------------------------------------------- landscapes
@pytest.fixture
def valley():
    W = Tensor([1.0, -2.0, 0.5])
    return W, lambda: np.sum(np.array([1.0, 10.0, 100.0]) * W**2)


def test_along_a_path_in_a_plane_all_variance_is_explained_and_there_is_no_gap(valley):
    W, loss = valley
    u, v = np.array([1.0, 0, 0]), np.array([0, 0.6, 0.8])
    path = [W.data + a * u + b * v for a, b in [(-3, 1), (-2, 0.5), (-1, 0.7), (0, 0)]]

    found = landscape(loss, W, path, points=5)

    assert sum(found.explained) == pytest.approx(1) and found.gap == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.on_path, [np.sum([1, 10, 100] * p**2) for p in path])
    assert found.track[-1].tolist() == [0, 0]
    distances = [np.linalg.norm(p - W.data) for p in path]
    np.testing.assert_allclose(np.linalg.norm(found.track, axis=1), distances, atol=1e-12)


def test_a_path_that_leaves_the_plane_shows_its_gap(valley):
    W, loss = valley
    rng = np.random.default_rng(0)
    path = [W.data + d for d in rng.normal(size=(6, 3))] + [W.data.copy()]

    found = landscape(loss, W, path)

    variances = np.linalg.svd(np.array(path) - np.mean(path, axis=0))[1] ** 2
    np.testing.assert_allclose(found.explained, variances[:2] / variances.sum())
    assert found.gap > 0.01 and "% of the path's variance" in repr(found)


def test_random_directions_are_as_long_as_the_parameters():
    W, b = Tensor(np.full((2, 2), 3.0)), Tensor([4.0])

    found = landscape(lambda: np.sum(W**2) + 100 * np.sum(b**2), [W, b], points=3)

    # half of the way along a direction d with |d_W| = 6, |d_b| = 4: the mean of both signs is f + |d_W|^2 + 100 |d_b|^2
    assert (found.heights[1, 0] + found.heights[1, 2]) / 2 - found.heights[1, 1] == pytest.approx(36 + 1600)


def test_parameters_are_what_they_were_bit_for_bit_also_after_an_error(valley):
    W, _ = valley
    W32 = Tensor(np.random.default_rng(0).normal(size=5), dtype=np.float32)
    kept, calls = [W.data.copy(), W32.data.copy()], iter(range(7))

    def fails():
        if next(calls) == 5:
            raise ZeroDivisionError
        return np.sum(W) + np.sum(W32)

    with pytest.raises(ZeroDivisionError):
        landscape(fails, [W, W32])
    landscape(lambda: np.sum(W) + np.sum(W32), [W, W32])

    assert all(np.array_equal(p.data, k) for p, k in zip([W, W32], kept))


@pytest.mark.parametrize(
    "given, said",
    [
        (([],), "holds no Tensor|no parameters"),
        ((Tensor([1.0, 2.0]), [[1.0, 1.0], [2.0, 1.0]]), "three moments"),
        ((Tensor([1.0, 2.0]), [[1.0]] * 4), "the 2 finite numbers"),
        ((Tensor([1.0, 2.0]), [[1.0, np.nan]] * 4), "the 2 finite numbers"),
        ((Tensor([1.0]), [[1.0]] * 4), "two real numbers or more; here is one"),
        ((Tensor([1j, 2.0]), None), "complex ones"),
    ],
)
def test_a_landscape_needs_parameters_and_a_path_that_fits(given, said):
    with pytest.raises((ValueError, TypeError), match=said):
        landscape(lambda: 0.0, *given)


# ------------------------------------------------------------------------------------------------- the browser
@pytest.mark.slow
def test_a_browser_plays_the_race_and_shows_its_numbers(tmp_path):
    result = race("rosenbrock", opts={"a < b": Descent(), "adam": ADAM()}, steps=12)

    found = found_in_browser(
        result.page().html,
        """
        const at = (id) => document.getElementById(id), seen = [];
        const rows = () => [...document.querySelectorAll("#table tr")].slice(1);
        const table = () => rows().map((row) => [...row.children].map((c) => c.textContent));
        seen.push([at("count").textContent, table()]);
        for (let t = 0; t < 5; t++) at("next").click();
        at("back").click();
        seen.push([at("count").textContent, table()]);
        at("step").value = 12; at("step").dispatchEvent(new Event("input"));
        seen.push([at("count").textContent, table()]);
        document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", bubbles: true}));
        at("play").click();
        setTimeout(() => { seen.push([at("count").textContent, at("play").textContent]); tell(seen); }, 3000);
        """,
        tmp_path,
    )

    for (count, rows), step in zip(found[:3], (0, 4, 12)):
        assert count == f"{step} of 12"
        assert {name: float(f) for name, _, f in rows} == pytest.approx(
            {name: values[step] for name, values in result.values.items()}, rel=2e-3
        )
        assert [float(f) for *_, f in rows] == sorted(float(f) for *_, f in rows)
    assert found[3] == ["12 of 12", "play"]


@pytest.mark.slow
def test_the_arithmetic_of_the_momentum_page_is_pythons(tmp_path):
    found = found_in_browser(
        explore_momentum(0.3, 0.5, 2.0).html,
        f"""
        const grid = {json.dumps(GRID)};
        const said = document.getElementById("said").textContent;
        document.getElementById("rho").value = 0.81;
        document.getElementById("rho").dispatchEvent(new Event("input"));
        tell([grid.map((g) => [momentum.radius(...g), momentum.region(...g)]), momentum.path(0.3, 0.5, 2, 20),
              said, document.getElementById("said").textContent]);
        """,
        tmp_path,
    )

    rows, path, said, then = found
    for given, (r, what) in zip(GRID, rows):
        assert r == pytest.approx(radius(*given), rel=1e-9) and what == region(*given)
    np.testing.assert_allclose(path, [1.0, *path_of_momentum(0.3, 0.5, 2.0, 20)], rtol=1e-12)
    assert re.match(r"ripples: the largest absolute eigenvalue is 0\.7071", said)
    assert re.match(r"ripples: the largest absolute eigenvalue is 0\.9000", then)


def test_a_problem_of_ones_own_can_be_given():
    own = Problem("tilted", lambda p: p[0] ** 2 + p[1] ** 2 + p[0] * p[1], (1.0, 2.0), ((0, 0),))

    assert race(own, opts=[Descent()], steps=50).rows()[0][3] < 1e-3
