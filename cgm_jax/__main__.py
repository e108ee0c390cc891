"""``python -m cgm_jax`` is ``cgm-jax``."""

from .cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
