"""The command ``likeness``: the same engine without Blender.

Exit codes: 0 done, 1 failed, 2 the photo was refused (or the command line is wrong), 130 stopped
by Ctrl-C. Only the command that runs is imported, so that help comes at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..errors import FaceUnusable, LikenessError, NoFaceFound, PhotoTooLarge, PhotoUnreadable
from ..libraries import library_missing
from ..protocol import Quality
from ..setup.machine import Device

REFUSALS = (PhotoUnreadable, PhotoTooLarge, NoFaceFound, FaceUnusable)

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
PREDICTORS = ("product", "landmarks", "mean")
"""What ``likeness eval`` can score."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    # Before torch loads libgomp, whose threads would otherwise spin while they wait. On a computer that is
    # busy with other work (Blender) spinning made a preview 7 times slower: 58 s instead of 8 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # OpenBLAS cannot be told to sleep, and our matrices are small: on a busy computer its second thread made
    # the fit 5 to 20 times slower (50 ms alone).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        command = importlib.import_module(f"{__name__}.{options.module}")
        return command.run(options)
    except LikenessError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)
        return REFUSED if isinstance(error, REFUSALS) else FAILED
    except ImportError as error:
        missing = library_missing(error)
        if missing is None:
            raise
        print(f"{missing.message} {missing.hint}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="likeness", description="One portrait photo becomes a head you can turn, animate and render."
    )
    parser.add_argument("--version", action="version", version=f"likeness {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_doctor(commands)
    _add_setup(commands)
    _add_import(commands)
    _add_repose(commands)
    _add_stills(commands)
    _add_transfer(commands)
    _add_serve(commands)
    _add_bench(commands)
    _add_eval(commands)
    _add_models(commands)
    return parser


Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(commands: Commands, name: str, module: str, words: str) -> argparse.ArgumentParser:
    """A command whose ``run(options)`` stands in the module."""
    parser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(module=module)
    return parser


def _add_doctor(commands: Commands) -> None:
    parser = _command(commands, "doctor", "doctor", "Say what works on this computer and what is missing.")
    _add_json(parser)


def _add_setup(commands: Commands) -> None:
    words = "Make, update, repair or remove the environment in which Blender runs the backend."
    parser = _command(commands, "setup", "setup", words)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where (default: your application data)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--online", action="store_true", help="allow downloads")
    source.add_argument(
        "--wheels", type=Path, metavar="DIR", help="install from this folder, without network"
    )
    parser.add_argument(
        "--device",
        type=Device,
        choices=tuple(Device),
        metavar="{cpu,cuda,rocm,mps}",
        help="default: what fits",
    )
    parser.add_argument(
        "--python", type=Path, metavar="PATH", help="Python to make it from (default: any that fits)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="only say what would be done")
    what.add_argument(
        "--collect", type=Path, metavar="DIR", help="only download, for computers without network"
    )
    what.add_argument("--remove", action="store_true", help="remove what a setup made, and nothing else")
    parser.add_argument("--json", action="store_true", help="print progress as JSON lines")
    parser.add_argument("--life-line", action="store_true", help="stop when standard input ends")


def _add_import(commands: Commands) -> None:
    words = "Turn a photo into head.glb, head.npz, preview.png and report.json."
    parser = _command(commands, "import", "import_photo", words)
    _add_photo(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the files"
    )
    _add_quality(parser)
    _add_model(parser)
    _add_json(parser)


def _add_repose(commands: Commands) -> None:
    words = "Turn the head in a photo and write the picture."
    parser = _command(commands, "repose", "repose", words)
    _add_photo(parser)
    for name, direction in (
        ("yaw", "right in the picture"),
        ("pitch", "down"),
        ("roll", "left in the picture, the crown leading"),
    ):
        parser.add_argument(
            f"--{name}", type=float, default=0.0, metavar="DEG", help=f"degrees to turn {direction}"
        )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PNG", help="picture to write")
    _add_transparent(parser)
    _add_quality(parser)
    _add_model(parser)
    _add_json(parser)


def _add_stills(commands: Commands) -> None:
    words = "Turn the heads of many photos to many poses and write a picture of each."
    parser = _command(commands, "stills", "batch", words)
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="JPEG, PNG or WebP")
    for name, angles in (("yaw", [-30.0, -15.0, 0.0, 15.0, 30.0]), ("pitch", [0.0])):
        parser.add_argument(
            f"--{name}",
            type=float,
            nargs="+",
            default=angles,
            metavar="DEG",
            help=f"degrees to turn by, any number (default: {' '.join(f'{angle:g}' for angle in angles)})",
        )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the pictures"
    )
    _add_transparent(parser)
    _add_quality(parser)
    _add_model(parser)
    _add_json(parser)


def _add_transfer(commands: Commands) -> None:
    words = "Give the head in TARGET the pose and the expression of SOURCE and write the picture."
    parser = _command(commands, "transfer", "transfer", words)
    parser.add_argument("source", type=Path, metavar="SOURCE", help="photo of the pose and expression")
    parser.add_argument("target", type=Path, metavar="TARGET", help="photo of the head that takes them over")
    parser.add_argument(
        "--take", choices=("both", "pose", "expression"), default="both", help="what to take (default: both)"
    )
    parser.add_argument(
        "--source-face", type=_at_least(1), metavar="N", help="which person of SOURCE (default: the largest)"
    )
    parser.add_argument(
        "--face", type=_at_least(1), metavar="N", help="which person of TARGET (default: the largest)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PNG", help="picture to write")
    _add_transparent(parser)
    _add_quality(parser)
    _add_model(parser)
    _add_json(parser)


def _add_serve(commands: Commands) -> None:
    words = "Serve the add-on. The token comes from the environment or a file, never from the command line."
    parser = _command(commands, "serve", "serve", words)
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose (default)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this computer only)"
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="let other computers in; needs a token, a certificate and a key (docs/studio.md)",
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file that only you can read, one token a line"
    )
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="certificate with its chain: TLS")
    parser.add_argument("--key", type=Path, metavar="PEM", help="key of the certificate, without a password")
    parser.add_argument(
        "--idle-minutes",
        type=float,
        default=0.0,
        metavar="N",
        help="end after so long without work (default: never)",
    )
    parser.add_argument(
        "--keep-alive-without-stdin",
        action="store_true",
        help="go on when standard input ends, for a server started by hand",
    )


def _add_bench(commands: Commands) -> None:
    words = "Measure time and memory of every stage on this computer."
    parser = _command(commands, "bench", "bench", words)
    parser.add_argument("photo", type=Path, nargs="?", help="default: scikit-image's astronaut, 1 megapixel")
    parser.add_argument("--runs", type=_at_least(10), default=10, metavar="N", help="warm runs (default: 10)")
    parser.add_argument("--threads", type=_at_least(1), metavar="N", help="CPU threads (default: all)")
    _add_json(parser)


def _add_eval(commands: Commands) -> None:
    words = "Score the engine, or another system's predictions, on a data set (docs/evaluation.md)."
    parser = _command(commands, "eval", "evaluate", words)
    parser.add_argument("measure", choices=("geometry", "parsing", "pose", "roundtrip", "identity", "repose"))
    parser.add_argument(
        "dataset",
        type=Path,
        help="folder with manifest.jsonl; for identity and repose also a folder of portraits",
    )
    parser.add_argument(
        "--predictor",
        choices=PREDICTORS,
        default=PREDICTORS[0],
        help="the product (default), its landmark fit alone, or the mean head in that fit's pose",
    )
    parser.add_argument(
        "--look",
        choices=("photo", "model"),
        default="photo",
        help="identity: the head with the photo's pixels (default), or in its model's own colours",
    )
    parser.add_argument(
        "--predictions", type=Path, metavar="DIR", help="score <id>.ply or <id>.png from here instead"
    )
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the engine's predictions")
    parser.add_argument(
        "--biwi",
        action="store_true",
        help="the folder is the Biwi Kinect Head Pose Database (geometry, pose)",
    )
    parser.add_argument(
        "--frames", type=_at_least(1), default=10, metavar="N", help="of each Biwi sequence (default: 10)"
    )
    _add_json(parser)


def _add_models(commands: Commands) -> None:
    words = "List the morphable models, with their licences; add your own copy of one (docs/models.md)."
    parser = _command(commands, "models", "models", words)
    parser.add_argument(
        "--add", type=Path, metavar="PATH", help="file or folder of BFM 2009, ICT-FaceKit or FLAME"
    )
    _add_json(parser)


def _add_photo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, help="JPEG, PNG or WebP")
    parser.add_argument(
        "--face", type=_at_least(1), metavar="N", help="which person, 1 is the largest face (default)"
    )


def _add_transparent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--transparent", action="store_true", help="leave the background out")


def _add_quality(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quality",
        type=Quality,
        choices=tuple(Quality),
        default=Quality.FAST,
        metavar="{fast,best}",
        help="best lets the pixels polish the fit, which takes longer (default: fast)",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--model", metavar="NAME", help="morphable model, a word of `likeness models` (default: our own)"
    )
    which.add_argument("--model-file", type=Path, metavar="PATH", help="read the model from here instead")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _at_least(low: int) -> type[int]:
    """A converter for whole numbers from ``low`` on."""

    def convert(text: str) -> int:
        number = int(text)
        if number < low:
            raise argparse.ArgumentTypeError(f"{number} is less than {low}")
        return number

    convert.__name__ = "number"
    return convert  # type: ignore[return-value]
