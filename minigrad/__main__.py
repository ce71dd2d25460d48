"""``python -m minigrad warmup`` compiles the kernels of the common optimisers and keeps them on disk."""

import sys

from minigrad.optimise.compiled.warmup import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
