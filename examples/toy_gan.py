"""Adversarial training in two dimensions: why OADAM looks ahead.

    python examples/toy_gan.py
    python examples/toy_gan.py --steps 5000 --eta 0.01 --picture gan.png

The smallest game of its kind.  Real points lie around (3, 4).  The generator makes points around a
place of its own, and moves it to where the discriminator thinks points are real; the discriminator is
a direction, and turns it to where points *are* more real than made.  Both learn at once, so each
chases the other in circles.  ADAM circles wider and wider.  OADAM expects the other's next move to be
like the last one, and that brings both to rest: the generator at (3, 4).

    generator      G(z) = z + place             z normally distributed around (0, 0)
    discriminator  D(x) = x @ direction
    the game       place minimises and direction maximises   mean(D(real)) - mean(D(G(z)))

Source: Daskalakis, Ilyas, Syrgkanis, Zeng 2018, Training GANs with Optimism, arXiv:1711.00141.
"""

import numpy as np

from minigrad import ADAM, OADAM, gradient, params, update_, zeros
from options import Options

try:
    from tqdm import tqdm
except ImportError:
    def tqdm(steps, **_):  # a stand-in: no bar
        return steps

GOAL = np.array([3.0, 4.0])
BATCH = 256
PLAYERS = {  # what both players learn with
    "OADAM": lambda eta: OADAM(eta),
    "ADAM, beta as OADAM's": lambda eta: ADAM(eta, OADAM().beta),
    "ADAM": lambda eta: ADAM(eta),
}


def move_(place, of_generator, direction, of_discriminator, real, z):
    """Overwrite place and direction: one step of both players at once, each with its optimiser."""
    def game():
        return np.mean(real @ direction) - np.mean((z + place) @ direction)

    grads = gradient(game, params(place, direction))
    update_(of_generator, place, grads[place])
    update_(of_discriminator, direction, -grads[direction])  # it maximises


def play(make_optimiser, steps, seed):
    """Return where the generator was after each step, shape (steps, 2)."""
    rng = np.random.default_rng(seed)
    place, direction = zeros(2), zeros(2)
    of_generator, of_discriminator = make_optimiser(), make_optimiser()
    path = []
    for _ in steps:
        z, real = rng.normal(size=(2, BATCH, 2))
        move_(place, of_generator, direction, of_discriminator, GOAL + real, z)
        path.append(place.data.copy())
    return np.array(path)


def distances(path):
    """Return how far the generator was from where it should be, after each step."""
    return np.linalg.norm(path - GOAL, axis=1)


def show_distances(paths):
    """Print, for each optimiser, the mean distance in every tenth of the game."""
    print("Distance of the generator from (3, 4), in each tenth of the game:")
    for name, path in paths.items():
        tenths = [np.mean(tenth) for tenth in np.array_split(distances(path), 10)]
        print(f"{name:>22} |" + "".join(f"{d:8.2f}" for d in tenths))


def show_map(name, path, width=48, height=17, reach=6.0):
    """Print the way of the generator through the plane: + is the goal, o the start, # the last tenth."""
    rows = np.full((height, width), " ")

    def mark(points, sign):
        ij = np.round((points - GOAL + reach) / (2 * reach) * [width - 1, height - 1]).astype(int)
        inside = np.all((ij >= 0) & (ij < [width, height]), axis=1)
        rows[ij[inside, 1], ij[inside, 0]] = sign

    mark(path, ".")
    mark(path[-max(1, len(path) // 10) :], "#")
    mark(np.zeros((1, 2)), "o")
    mark(GOAL[np.newaxis], "+")
    print(f"\n{name}")
    print("\n".join("  |" + "".join(row) + "|" for row in rows[::-1]))


def save_picture(paths, file):
    """Draw the ways of all generators and their distances; needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    plane, time = figure.subplots(1, 2)
    for name, path in paths.items():
        plane.plot(*path.T, lw=0.7, label=name)
        time.semilogy(distances(path), lw=0.7, label=name)
    plane.plot(*GOAL, "k+", ms=12)
    plane.set(title="the generator's way", aspect="equal", xlim=(-4, 10), ylim=(-3, 11))
    time.set(title="its distance from (3, 4)", xlabel="step")
    time.legend()
    figure.savefig(file, dpi=120)
    print(f"\nThe picture is in {file}")


def arguments():
    options = Options("Adversarial training in two dimensions, with OADAM and with ADAM.")
    options.whole("steps", 2000, "steps of each game", least=10)
    options.positive("eta", 0.02, "learning rate of both players")
    options.whole("seed", 0, "the same seed gives the same games", least=0)
    options.add_argument("--picture", metavar="FILE", help="draw the ways into a file (.png, .svg, ...)")
    return options.read()


def main():
    args = arguments()
    paths = {}
    for name, make in PLAYERS.items():
        bar = tqdm(range(args.steps), desc=f"{name:>22}", unit="step")
        paths[name] = play(lambda make=make: make(args.eta), bar, args.seed)

    for name, path in paths.items():
        show_map(name, path)
    print()
    show_distances(paths)
    if args.picture:
        save_picture(paths, args.picture)


if __name__ == "__main__":
    main()
