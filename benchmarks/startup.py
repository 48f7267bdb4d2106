"""Start-up: CPU seconds of `import skillofmind` and `som --help` in fresh processes, and the installed size.

Each command is started in turn with the others, with bytecode kept and with PYTHONDONTWRITEBYTECODE set, from
an installation made for this in a temporary folder. The size is what a plain `pip install` of the checkout
adds to a new virtual environment, the bytecode that pip writes included; torch must not be in it.
"""

import functools
import os
import subprocess
import tempfile
import venv
from pathlib import Path

from benchmarks.measure import Json, both, interleaved, machine, parser, report, spent_by_process

ROOT = Path(__file__).parents[1]
TARGETS = {
    "som --help, CPU s": 0.25,
    "import skillofmind, CPU s": 0.15,
    "wheel, MB": 25.0,
    "added to site-packages, MB": 90.0,
}


def megabytes(folder: Path) -> float:
    """Return the size of all files below `folder` in millions of bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def install(folder: Path, checkout: Path) -> Json:
    """Make a virtual environment in `folder`, install `checkout` into it, and return its sizes.

    Raises:
        RuntimeError: torch came with it.
        subprocess.CalledProcessError: pip failed.
    """
    venv.create(folder, with_pip=True)
    [packages] = folder.glob("lib/python*/site-packages")
    fresh = megabytes(packages)
    command = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    wheel = _wheel(folder, checkout)
    subprocess.run([*command, str(wheel)], check=True, stderr=subprocess.DEVNULL)
    if (packages / "torch").exists():
        raise RuntimeError("a plain install brings torch; it belongs to the extra `local`.")
    by_folder = {path.name: round(megabytes(path), 1) for path in packages.iterdir() if path.is_dir()}
    return {
        "wheel_mb": round(wheel.stat().st_size / 1e6, 2),
        "added_to_site_packages_mb": round(megabytes(packages) - fresh, 1),
        "fresh_site_packages_mb": round(fresh, 1),
        "whole_environment_mb": round(megabytes(folder), 1),
        "bytecode_mb": round(sum(map(megabytes, packages.rglob("__pycache__"))), 1),
        "largest_mb": dict(sorted(by_folder.items(), key=lambda item: -item[1])[:8]),
    }


def _wheel(folder: Path, checkout: Path) -> Path:
    """Build the wheel of `checkout` inside `folder` and return its path."""
    command = [str(folder / "bin" / "python"), "-m", "pip", "wheel", "--quiet", "--no-deps"]
    out = folder / "wheel"
    subprocess.run([*command, "-w", str(out), str(checkout)], check=True, stderr=subprocess.DEVNULL)
    [wheel] = out.glob("*.whl")
    return wheel


def start(folder: Path, repeats: int) -> Json:
    """Return CPU and wall seconds of each command in the environment of `folder`."""
    bin_folder = folder / "bin"
    commands = {
        "bare python": [bin_folder / "python", "-c", ""],
        "import skillofmind": [bin_folder / "python", "-c", "import skillofmind"],
        "som --help": [bin_folder / "som", "--help"],
        "som plan --help": [bin_folder / "som", "plan", "--help"],
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    found: Json = {}
    for title, extra in {
        "bytecode kept": {},
        "PYTHONDONTWRITEBYTECODE=1": {"PYTHONDONTWRITEBYTECODE": "1"},
    }.items():
        arms = {
            name: functools.partial(spent_by_process, [str(word) for word in command], {**clean, **extra})
            for name, command in commands.items()
        }
        found[title] = {name: both(values) for name, values in interleaved(arms, repeats).items()}
    return found


def measure(checkout: Path, repeats: int) -> Json:
    """Return sizes, times and how they stand to the targets."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "environment"
        size, times = install(folder, checkout), start(folder, repeats)
    worst = {
        command: max(times[way][command]["cpu_s"]["median"] for way in times)
        for command in ("som --help", "import skillofmind")
    }
    measured = {
        "som --help, CPU s": worst["som --help"],
        "import skillofmind, CPU s": worst["import skillofmind"],
        "wheel, MB": size["wheel_mb"],
        "added to site-packages, MB": size["added_to_site_packages_mb"],
    }
    verdict = {
        name: {"measured": value, "target": TARGETS[name], "met": value <= TARGETS[name]}
        for name, value in measured.items()
    }
    return {"targets": verdict, "start": times, "size": size}


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--checkout", type=Path, default=ROOT, help="what to install (default: this checkout)")
    made.add_argument(
        "--repeats", type=int, default=11, help="starts of each command (default: 11, at least 9)"
    )
    options = made.parse_args()
    if options.repeats < 9:
        made.error(f"--repeats {options.repeats} is too few for a median; 9 is the least.")
    result = measure(options.checkout.resolve(), options.repeats)
    report({"benchmark": "startup", "machine": machine(), **result}, options.out)


if __name__ == "__main__":
    main()
