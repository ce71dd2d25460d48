"""``python -m minigrad.distributed plan``"""

from .plan import main

main()
