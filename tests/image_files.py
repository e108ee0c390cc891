"""Small files of images in the true forms, for tests of the loaders."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np


def idx_bytes(array):
    """An array of unsigned bytes in the idx format."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def write_idx_folder(folder, images, labels, *, pack=gzip.compress, end=".gz"):
    """The published four files: the last seventh of the images is for testing."""
    folder.mkdir(parents=True, exist_ok=True)
    cut = len(images) * 6 // 7
    for prefix, rows in (("train", slice(cut)), ("t10k", slice(cut, None))):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            file = folder / f"{prefix}-{name}-ubyte{end}"
            file.write_bytes(pack(idx_bytes(array[rows])))
    return folder


def arff_text(names, rows, *, classes):
    """A dense ARFF file whose last column is nominal, as OpenML writes it."""
    return "\n".join(
        [
            "% 1. Title: a small table",
            "%",
            "@RELATION small",
            "",
            *(f"@ATTRIBUTE {name} real" for name in names[:-1]),
            f"@ATTRIBUTE {names[-1]} {{{','.join(map(str, classes))}}}",
            "",
            "@DATA",
            *(",".join(map(str, row)) for row in rows),
            "",
        ]
    )


def image_arff(pixels, labels):
    """Images as OpenML has them: a column a pixel, then the class."""
    names = [f"pixel{j}" for j in range(1, pixels.shape[1] + 1)] + ["class"]
    rows = np.column_stack([pixels, labels]).tolist()
    return arff_text(names, rows, classes=range(10))


def openml_answers(data_id, name, text, *, target="class"):
    """What OpenML answers about a data set, by the path of the address asked for."""
    lines = text.splitlines()
    attributes = [line.split()[1:] for line in lines if line.startswith("@ATTRIBUTE")]
    features = [
        {
            "index": str(i),
            "name": attribute[0],
            "data_type": "nominal" if attribute[1].startswith("{") else "numeric",
            "is_target": str(attribute[0] == target).lower(),
            "is_ignore": "false",
            "is_row_identifier": "false",
            "number_of_missing_values": "0",
        }
        for i, attribute in enumerate(attributes)
    ]
    content = text.encode()
    description = {
        "id": str(data_id),
        "name": name,
        "version": "1",
        "description": "A small table.",
        "format": "ARFF",
        "status": "active",
        "url": f"https://www.openml.org/data/v1/download/7/{name}.arff",
        "default_target_attribute": target,
        "md5_checksum": hashlib.md5(content).hexdigest(),
    }
    num = len(lines) - lines.index("@DATA") - 1
    qualities = {"quality": [{"name": "NumberOfInstances", "value": str(num)}]}
    api = "/api/v1/json/data"
    return {
        f"{api}/{data_id}": _json({"data_set_description": description}),
        f"{api}/features/{data_id}": _json({"data_features": {"feature": features}}),
        f"{api}/qualities/{data_id}": _json({"data_qualities": qualities}),
        f"/data/v1/download/7/{name}.arff": content,
    }


def _json(thing):
    return json.dumps(thing).encode()


def contents(folder):
    """Every file below a folder and what is in it."""
    files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
