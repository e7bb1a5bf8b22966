"""Which tables are measured, and what is learnt of each.

All are real, from packages on the registry. None of them had a part in choosing a default. Columns are left
out where they are the target in another form, or number the rows: all else stays as it is in the package.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One table.

    Attributes:
        name: of the table; in pydataset, of R's package and the table, as ``MASS/biopsy``.
        target: the column to learn.
        package: that ships it: pydataset, statsmodels or vega_datasets.
        medical: of patients, or of health.
        without: columns that are left out.
        regression: a number is learnt, though it has few values.
    """

    name: str
    target: str
    package: str = "pydataset"
    medical: bool = False
    without: tuple[str, ...] = ()
    regression: bool = False


def _of(name: str, target: str, *without: str, package: str = "pydataset", regression: bool = False) -> Entry:
    return Entry(name, target, package, False, without, regression)


def _medical(
    name: str, target: str, *without: str, package: str = "pydataset", regression: bool = False
) -> Entry:
    return Entry(name, target, package, True, without, regression)


CATALOGUE = (
    _medical("MASS/Pima.te", "type"),
    _medical("MASS/biopsy", "class", "ID"),
    _medical("MASS/birthwt", "low", "bwt"),
    _medical("MASS/birthwt", "bwt", "low"),
    _medical("MASS/Melanoma", "status"),
    _medical("datasets/infert", "case", "stratum", "pooled.stratum"),
    _medical("survival/pbc", "status", "id"),
    _medical("survival/nwtco", "rel", "seqno", "edrel", "in.subcohort"),
    _medical("survival/flchain", "death", "futime", "chapter"),
    _medical("survival/mgus", "death", "id", "futime"),
    _medical("survival/lung", "status"),
    _medical("geepack/respiratory", "outcome", "id"),
    _medical("multgee/arthritis", "y", "id"),
    _medical("quantreg/uis", "CENSOR", "ID", "LEN.T", "TIME", "Y", "FRAC"),
    _medical("KMsurv/std", "rinfct", "obs", "time"),
    _medical("KMsurv/pneumon", "hospital", "agepn"),
    _medical("COUNT/medpar", "died", "provnum"),
    _medical("COUNT/medpar", "los", "provnum", regression=True),
    _medical("COUNT/azpro", "los", regression=True),
    _medical("COUNT/mdvis", "numvisit", regression=True),
    _medical("COUNT/rwm1984", "outwork"),
    _medical("Ecdat/DoctorAUS", "insurance"),
    _medical("Ecdat/OFP", "hlth"),
    _medical("Ecdat/MedExp", "med", regression=True),
    _medical("gap/crohn", "crohn", "pid", "id", "fid", "mid"),
    _medical("randhie", "mdvis", package="statsmodels", regression=True),
    _of("iris", "species", package="vega_datasets"),
    _of("cars", "Miles_per_Gallon", "Name", package="vega_datasets", regression=True),
    _of("seattle-weather", "weather", "date", package="vega_datasets"),
    _of("fair", "rate_marriage", package="statsmodels", regression=True),
    _of("anes96", "vote", package="statsmodels"),
    _of("MASS/crabs", "sp", "index"),
    _of("MASS/Boston", "medv", regression=True),
    _of("MASS/nlschools", "lang", "class", regression=True),
    _of("COUNT/titanic", "survived"),
    _of("Ecdat/Hdma", "deny"),
    _of("Ecdat/Computers", "price", regression=True),
    _of("Ecdat/Housing", "price", regression=True),
    _of("Ecdat/Caschool", "testscr", "readscr", "mathscr", "distcod", "district", regression=True),
    _of("Ecdat/Benefits", "ui"),
    _of("Ecdat/Mathlevel", "mathlevel"),
    _of("Ecdat/VietNamI", "insurance", "commune"),
    _of("Ecdat/Star", "tmathssk", "schidkn", regression=True),
    _of("plm/Wages", "lwage", regression=True),
    _of("car/SLID", "wages", regression=True),
    _of("car/Salaries", "salary", regression=True),
    _of("car/Chile", "vote"),
    _of("car/Womenlf", "partic"),
    _of("pscl/vote92", "vote"),
    _of("ggplot2/diamonds", "price", regression=True),
    _of("ggplot2/mpg", "hwy", "cty", regression=True),
    _of("Ecdat/Car", "choice"),
    _of("psych/msq", "Extraversion", "Neuroticism", "Lie", "Sociability", "Impulsivity", regression=True),
    _of("psych/bfi", "gender"),
    _of("HistData/GaltonFamilies", "childHeight", "family", "midparentHeight", regression=True),
    _of("lme4/VerbAgg", "r2", "id", "resp"),
)
