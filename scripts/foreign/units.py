"""Reads systemd units where there is no systemd: sections, keys and values, but not the meaning of the keys.

Usage: units.py FOLDER
"""

import configparser
import pathlib
import sys

SECTIONS = {
    ".service": {"Unit", "Service", "Install"},
    ".timer": {"Unit", "Timer", "Install"},
    ".conf": {"Service"},
}


def fault_of(path: pathlib.Path) -> str | None:
    """What is wrong with the unit, or None."""
    # A key may be repeated in a unit: strict=False. Values hold % and keys have capitals.
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#", ";"))
    unit.optionxform = str
    try:
        unit.read_string(path.read_text(encoding="utf-8"))
    except configparser.Error as error:
        return str(error)
    unknown = set(unit.sections()) - SECTIONS[path.suffix]
    if unknown:
        return f"unknown sections: {', '.join(sorted(unknown))}"
    if path.suffix == ".service" and not unit.get("Service", "ExecStart", fallback="").startswith("/"):
        return "ExecStart is no absolute path"
    return None


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    units = [p for s in ("*.service", "*.timer", "*.d/*.conf") for p in sorted(folder.glob(s))]
    faults = [f"{path}: {fault}" for path in units if (fault := fault_of(path))]
    print("\n".join(faults) if faults else f"{len(units)} units", file=sys.stderr)
    return 1 if faults or not units else 0


if __name__ == "__main__":
    sys.exit(main())
