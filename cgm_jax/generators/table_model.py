"""A trained generator together with the codec of the tables that it learned.

Points mean rows only by a codec. One file holds both, so that a generator can be
trained once and draw rows for later runs, whose codec is another: rows are drawn,
written by the one codec and read by the other.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared import archive
from cgm_jax.tables import Cells, TableCodec
from cgm_jax.tables.category_columns import CategoryColumn
from cgm_jax.tables.codec import ColumnCodec
from cgm_jax.tables.number_columns import NumberColumn
from cgm_jax.tables.saving import codec_from_parts, codec_parts
from cgm_jax.tables.units import from_units, in_units

from .product_model import ProductMixtureModel

if TYPE_CHECKING:
    from .mmd_gan import MMDGANModel  # Flax is slow to import

__all__ = ["TableModel"]

KIND, ADVICE = "table generator", "train one with cgm-jax train-generator"
MODELS = {
    "mmd-gan": (".mmd_gan.model", "MMDGANModel"),
    "product-mixture": (".product_model", "ProductMixtureModel"),
}


@dataclass(frozen=True, eq=False)
class TableModel:
    """A trained model and the codec whose points it draws.

    A saved one holds what the codec knows of the tables: rare categories, too, and in
    some columns all of the values. It is for whoever may see the tables.

    Attributes:
        model: of an `MMDGAN` or a `ProductMixture` of the codec's points; or an
            `MMDGAN` of images, whose numbers are the columns' in their own units.
        codec: of the tables that it was trained on.
        data_digest: of these tables, where whoever trained it noted one.

    Example:
        >>> import jax, tempfile
        >>> import pyarrow as pa
        >>> from cgm_jax.generators import ProductMixture
        >>> from cgm_jax.tables import encode_frames
        >>> rng = np.random.default_rng(0)
        >>> frames = [
        ...     pa.table({"age": rng.integers(18, 80, 50), "bmi": rng.normal(size=50)})
        ...     for _ in range(2)
        ... ]
        >>> parties, codec = encode_frames(frames)
        >>> generator = ProductMixture(codec=codec, num_components=2)
        >>> keys = jax.random.split(jax.random.key(0))
        >>> model = TableModel(generator.fit(keys[0], np.concatenate(parties)), codec)
        >>> file = Path(tempfile.mkdtemp()) / "model.npz"
        >>> model.save(file)
        >>> rows = TableModel.load(file).rows(keys[1], 3)
        >>> rows["age"].values.dtype
        dtype('int64')
    """

    model: "MMDGANModel | ProductMixtureModel"
    codec: TableCodec
    data_digest: str | None = None

    def __post_init__(self) -> None:
        one_point = np.zeros((1, self.codec.num_dimensions))
        if self._is_of_images:
            one_point = in_units(self.codec, one_point)
        if self.model.num_dimensions != one_point.shape[1]:
            raise ValueError(
                f"Expected a model of points of {one_point.shape[1]} coordinates, as "
                f"the codec's, got one of {self.model.num_dimensions}."
            )

    @property
    def _is_of_images(self) -> bool:
        return getattr(self.model, "shape", None) is not None

    @property
    def kind(self) -> Literal["mmd-gan", "product-mixture"]:
        """Which generator it is of."""
        is_mixture = isinstance(self.model, ProductMixtureModel)
        return "product-mixture" if is_mixture else "mmd-gan"

    def sample(self, key: Key[Array, ""], num: int) -> Float[np.ndarray, "num d"]:
        """Draw ``num`` >= 1 points of the codec; more start with fewer."""
        points = np.asarray(self.model.sample(key, num))
        if self._is_of_images:
            return from_units(self.codec, points.astype(np.float64))
        return points

    def rows(self, key: Key[Array, ""], num: int) -> dict[str, Cells]:
        """Draw rows of a table that may be handed out; more start with fewer."""
        return self.codec.decode(self.codec.handed_out(self.sample(key, num)))

    def points_for(
        self, codec: TableCodec, key: Key[Array, ""], num: int
    ) -> Float[np.ndarray, "num d"]:
        """The `rows` as points of another codec, that has no `differences`."""
        return codec.encode(self.rows(key, num))

    def differences(self, codec: TableCodec) -> list[str]:
        """Why rows of this model are no rows for the codec of other tables.

        Args:
            codec: of the tables that rows shall be drawn for.

        Returns:
            A clause for each column, by name and without a cell's value; none if they
            are.
        """
        ours, theirs = _by_name(self.codec), _by_name(codec)
        clauses = {name: "not in the model" for name in theirs.keys() - ours.keys()}
        clauses |= {name: "only in the model" for name in ours.keys() - theirs.keys()}
        for name in ours.keys() & theirs.keys():
            if clause := _difference(ours[name], theirs[name]):
                clauses[name] = clause
        return [f"{name} ({clauses[name]})" for name in sorted(clauses)]

    def save(self, path: str | Path) -> None:
        """Write both to one ``.npz`` file, in place of what is there."""
        facts, arrays = self.model.parts()
        codec_facts, codec_arrays = codec_parts(self.codec)
        arrays = {f"model.{name}": array for name, array in arrays.items()}
        arrays |= {f"codec.{name}": array for name, array in codec_arrays.items()}
        facts = {
            "generator": self.kind,
            "model": facts,
            "codec": codec_facts,
            "data_digest": self.data_digest,
        }
        archive.write_archive(path, KIND, facts, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "TableModel":
        """Read what `save` wrote; a ``ValueError`` if the file is damaged."""
        facts, arrays = archive.read_archive(path, KIND, advice=ADVICE)
        with archive.archive_errors(path, KIND, advice=ADVICE):
            module, name = MODELS[facts["generator"]]
            model_class = getattr(importlib.import_module(module, __package__), name)
            model = model_class.of_parts(
                facts["model"], archive.with_prefix(arrays, "model.")
            )
            codec = codec_from_parts(
                facts["codec"], archive.with_prefix(arrays, "codec.")
            )
            return cls(model, codec, facts["data_digest"])


def _by_name(codec: TableCodec) -> dict[str, ColumnCodec]:
    """The columns that are valued."""
    return {c.facts.name: c for c in codec.columns if c.coordinates}


def _difference(ours: ColumnCodec, theirs: ColumnCodec) -> str | None:
    """Why a codec cannot encode what another column may hand out."""
    a, b = ours.facts, theirs.facts
    if a.kind != b.kind:
        return f"a {b.kind}, in the model a {a.kind}"
    if (a.form, a.resolution) != (b.form, b.resolution):
        return "written in another form in the model"
    may_be_missing = has_missing = False
    if isinstance(ours, NumberColumn) and isinstance(theirs, NumberColumn):
        may_be_missing = ours.missing > 0 and ours.hands_out_missing
        may_be_missing |= not ours.hands_out_present
        has_missing = theirs.missing > 0
    elif isinstance(ours, CategoryColumn) and isinstance(theirs, CategoryColumn):
        num = len(ours.values)
        known = np.isin(ours.values[ours.is_allowed[:num]], theirs.values)
        if not known.all():
            return f"{np.count_nonzero(~known)} categories only in the model"
        may_be_missing = ours.is_allowed[num:].any()
        has_missing = len(theirs.is_allowed) > len(theirs.values)
    if may_be_missing and not has_missing:
        return "missing cells only in the model"
    return None
