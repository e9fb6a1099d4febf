"""The version of kubesim, as it stands in every history's header."""

VERSION = "0.1.0"
