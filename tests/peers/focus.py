"""Holds CSV files against FOCUS 1.2 with its public validator: focus.py FILE...

Prints a line of JSON for each file: how many rules were kept, and which were broken, with the validator's words.
"""

import contextlib
import io
import json
import logging
import os
import sys

import focus_validator
from focus_validator.validator import Validator

# All but commitments and reservations, which nobody can make through Quire.
SUPPORTED = [
    "ACCOUNT_NAMING",
    "AVAILABILITY_ZONE",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES",
    "MULTIPLE_BILLING_ACCOUNT_TYPES",
    "MULTIPLE_PRICING_CATEGORIES",
    "MULTIPLE_SUB_ACCOUNT_TYPES",
    "NEGOTIATED_PRICING",
    "PRICING_BILLING_CURRENCY_DIFFERENCES",
    "PUBLIC_PRICE_LIST",
    "REGION",
    "RESOURCE_TYPE_ASSIGNMENT",
    "SUB_ACCOUNT",
    "TAGGING",
    "UNIT_PRICING",
    "USAGE_MEASUREMENT",
    "VIRTUAL_CURRENCY",
]


def validate(path):
    validator = Validator(
        data_filename=path,
        output_type="console",
        output_destination=None,
        rules_version="1.2",
        focus_dataset="CostAndUsage",
        rules_block_remote_download=True,
        applicability_criteria=",".join(f"{name}_SUPPORTED" for name in SUPPORTED),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        found = validator.validate().by_rule_id
    kept, broken = 0, {}
    for rule, entry in found.items():
        details = entry.get("details", {})
        if details.get("skipped"):
            continue
        if entry["ok"]:
            kept += 1
        else:
            broken[rule] = str(details.get("message"))
    return {"kept": kept, "broken": broken}


def main():
    logging.disable(logging.CRITICAL)
    paths = [os.path.abspath(path) for path in sys.argv[1:]]
    # It looks for its list of currencies from here.
    os.chdir(os.path.dirname(os.path.dirname(focus_validator.__file__)))
    for path in paths:
        print(json.dumps(validate(path)), flush=True)


main()
