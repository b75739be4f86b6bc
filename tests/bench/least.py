"""The least that a program with pandas does with these rows: read, multiply, add, divide, write.

It finds no workload, checks nothing and says nothing. Beside it stands what a bar leaves for all that:
`least.py RESULT.parquet OUT.parquet`.
"""

import sys

import pandas as pd


def main(source: str, out: str) -> None:
    """From one Parquet file to another."""
    rows = pd.read_parquet(source)
    rows["operational_gco2e"] = rows["energy_kwh"] * rows["intensity_gco2e_per_kwh"]
    rows["carbon_gco2e"] = rows["operational_gco2e"] + rows["embodied_gco2e"]
    rows["sci_gco2e_per_unit"] = rows["carbon_gco2e"] / rows["functional_units"]
    rows.to_parquet(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
