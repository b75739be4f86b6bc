"""The least that a program with pandas does with these rows: read, multiply, add, divide, write.

It finds no workload, checks nothing and says nothing. Beside it stands what a bar leaves for all that:
`least.py RESULT.parquet OUT.parquet`.
"""

import sys

import pandas as pd

source, out = sys.argv[1:]
rows = pd.read_parquet(source)
rows["operational_gco2e"] = rows["energy_kwh"] * rows["intensity_gco2e_per_kwh"]
rows["carbon_gco2e"] = rows["operational_gco2e"] + rows["embodied_gco2e"]
rows["sci_gco2e_per_unit"] = rows["carbon_gco2e"] / rows["functional_units"]
rows.to_parquet(out)
