"""The numbers of an audit as plain objects."""

import json

from small_collaborations import stable_collaboration

from cgm_jax.audit import audit, audit_promises
from cgm_jax.report import audit_data

NAMES = ["Ada", "Bo", "Cy"]


def test_an_audit_is_ready_for_json():
    result = stable_collaboration()
    promises = result.promises
    only_promised = audit_promises(promises.coalition_values, promises.scheme)
    for found, handed_out in ((audit(result), True), (only_promised, False)):
        data = json.loads(json.dumps(audit_data(found, NAMES), allow_nan=False))
        assert data["kept"] is True and data["broken"] == []
        assert set(data["assigned"]) == set(found.assigned)
        tightest = found.assigned["R6"]
        assert data["assigned"]["R6"] == {
            "holds": True,
            "margin": tightest.margin,
            "parties": [NAMES[tightest.parties[0]]],
            "coalition": [NAMES[i] for i in tightest.coalition],
            "cases": 3,
            "promised": True,
        }
        assert data["assigned"]["F1"]["margin"] is None
        assert data["assigned"]["R7"]["promised"] is False
        assert (data["realised_welfare"] is None) != handed_out
        assert data["proposition_3"]["monotone"] is found.conditions.monotone
        if handed_out:
            assert data["realised"]["R2"]["promised"] is False
