"""`python -m skillofmind` is `som`."""

from skillofmind.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
