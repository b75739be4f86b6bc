"""The Impact Framework (IF) of the Green Software Foundation: manifests for it, its runs, old manifests."""
