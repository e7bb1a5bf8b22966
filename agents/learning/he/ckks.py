"""What the families on CKKS have in common: keys, inputs, results, and the way in which they are protected.

A result is one ciphertext or a few, whose slots hold parts of the subset's change in real units and, in one
place, its number of rows. Before it leaves the cloud owner it goes through these steps:

1. It is re-randomised and flooded (`protect.py`). CKKS keeps noise and message in the same number, so the
   flood costs precision, and the modulus leaves room for far less of it than the exact families have. It is
   bell-shaped, which hides as much with half the bits (`headroom.py`).
2. The modulus is switched: one prime is left.
3. Slots that carry no result hold sums over parts of the rows. Numbers far larger than these are added.
4. Each pair of subsets adds and subtracts a stream that is uniform modulo that prime: to the model owner a
   single result is uniform; it can decode nothing but the cohort's sum.

What is left to an honest but curious model owner is the sum and, with the probability that
`Headroom.distance` bounds, what noise and unused slots of that sum tell. The formulas for noise hold for
encryptions of weights in the range that `encrypt` checks. A model owner who encrypts something else is not
bound by them: it may learn more of the sum than its used slots say, yet nothing of a single result.

Every number that decides a byte at a cloud owner is a whole number, or a float that comes from additions,
subtractions, multiplications and divisions alone.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import sqrt

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT, FloatArray, Int64Array, Samples
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort, EncryptedFamily, KeyPair
from agents.learning.he import noise
from agents.learning.he.circuit import Circuit, CkksPublicKeys, Diagonals
from agents.learning.he.encoder import encode
from agents.learning.he.flooding import Headroom
from agents.learning.he.headers import check_shapes, check_whole, cohort_facts, read_cohort
from agents.learning.he.recent import Recent
from agents.learning.he.seal import (
    Ciphertext,
    Content,
    Context,
    Plaintext,
    Residues,
    refusing,
)
from agents.learning.he.secure_aggregation import Secrets, add, check_cohort, mask, rerandomise
from agents.learning.he.slot_layout import SlotLayout
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import ApproximatePlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits, check_fit

COUNT_WEIGHT = 16
"""The number of rows is multiplied by this, so that it is exact in a sum over all subsets there can be."""

LEAST_STEP = Fraction(1, 2**14)
"""A smaller step would vanish in the rounding of encodings."""

KEPT_KEYS, KEPT_SUBSETS = 1, 2
"""Loaded keys and encoded subsets that a family keeps from round to round: they are large."""


@dataclass(frozen=True)
class EncodedSubset:
    """A subset's data, encoded for a plan; the same in all rounds.

    Attributes:
        forward: by (giant step, baby step), to be summed over features.
        backward: likewise, to be summed over rows.
        known: (ciphertexts, slots) what is known of a result without the weights.
        rows: of the data.
        goals: (rows, outputs) what the outputs should be.
        encoded: what else a family encodes, by names of its own.
    """

    forward: Diagonals
    backward: Diagonals
    known: FloatArray
    rows: int
    goals: FloatArray
    encoded: dict[str, Plaintext] = field(default_factory=dict)


class ApproximateFamily(EncryptedFamily):
    """A family on CKKS.

    Args:
        plan: its primes are `left` for the result, one for each product but the last, the first product's
            own, and the keys'.
        limits: what the agent is ready to work on.

    Raises:
        BadPlan: more than one local step, batches, or a tiny step; primes that do not fit the depth and the
            scale; more rows, features and outputs than slots; too little headroom for the flood.
    """

    plan: ApproximatePlan
    depth: int
    """Primes that the arithmetic uses up: each product but the last one takes one."""
    left: int
    """Primes that are left when a result is protected; all but one are then switched away."""
    gradient_bits: int
    """Bits of the scale of the data in the last product: their rounding is noise too."""
    columns_inside: bool
    """How the slots are laid out (`layout.py`)."""

    def __init__(self, plan: ApproximatePlan, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(plan, limits)
        if plan.local_steps != 1 or plan.batch:
            raise BadPlan("plan: the depth of the ciphertexts allows one local step, of all rows")
        if plan.step < LEAST_STEP:
            raise BadPlan(f"plan: step {plan.step} is too small to be encoded: at least {LEAST_STEP}")
        self._check_primes()
        self.scale = 2.0**plan.encryption.scale_bits
        # One feature more than there are, the intercept included: its place holds the number of rows.
        self.layout = SlotLayout.fit(
            plan.encryption.degree // 2,
            plan.features + 2,
            self._columns(),
            plan.rows,
            columns_inside=self.columns_inside,
        )
        self.context = Context("CKKS", plan.encryption)
        self.places = self._places()
        self._named: tuple[bytes, bytes] | None = None
        self._keys: Recent[CkksPublicKeys] = Recent(KEPT_KEYS)
        self._jobs: Recent[EncodedSubset] = Recent(KEPT_SUBSETS)
        self.headroom = Headroom(self.context, plan.encryption, self.left, self.gradient_bits)
        self._check_headroom(2)

    # --- model owner ---

    def keys(self) -> KeyPair:
        """Fresh keys; relinearisation, and one for each rotation that the layout needs."""
        secret, context = self.context.new_secret_key(), self.context
        zero = context.new_zero(secret)[:, : self.left]
        switching = context.new_switching_keys(secret, (0, *self._galois_elements().values()))
        names = {0: "relin"} | {
            element: _turn_name(turn) for turn, element in self._galois_elements().items()
        }
        public = {"zero": zero} | {names[element]: key for element, key in switching.items()}
        return KeyPair(
            context.to_bytes("secret key", {"secret": secret[None]}, {}),
            context.to_bytes("public keys", public, {}),
        )

    def encrypt(self, keys: KeyPair, weights: Weights) -> bytes:
        """See `EncryptedFamily.encrypt`.

        Raises:
            BadPlan: the weights are outside the range for which the polynomials and the flood are made.
        """
        matrices = real(weights)
        self._check_range(matrices)
        secret, primes = self._secret(keys), len(self.context.primes)
        inputs = [
            self.context.encrypt(
                secret, self.context.multiplier(encode(values, self.scale), primes, self.scale)
            )
            for values in self._inputs(matrices)
        ]
        stacked = np.stack([content.residues for content in inputs])
        return self.context.to_bytes("encrypted weights", {"weights": stacked}, {})

    def decrypt(self, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """See `EncryptedFamily.decrypt`.

        Each number of the change has an error of the deviation PRECISION times the root of the number of
        results; the number of rows is exact.
        """
        secret = self._secret(keys)
        parsed = [self._result(result) for result in results]
        check_whole([(cohort, member) for _, cohort, member in parsed])
        slots = []
        for index in range(len(self._used)):
            contents = [contents[index] for contents, _, _ in parsed]
            if len({content.scale for content in contents}) != 1:
                raise BadObject("the results are of several scales: no sum of them decrypts")
            slots.append(self.context.decode(self.context.decrypt(secret, add(self.context, contents))))
        samples = round(float(slots[0][self._count_slot]) / COUNT_WEIGHT)
        if not 1 <= samples <= len(results) * self.plan.rows:
            raise BadObject("the sum of the results does not decrypt: they are not of these keys and weights")
        change = {
            name: np.hstack([slots[index][places] for index, places in parts])
            for name, parts in self.places.items()
        }
        return self._update(change, samples)

    # --- cloud owner ---

    def check_published(self, published: bytes) -> None:
        """See `Family.check_published`."""
        self._encrypted(published)

    def train(self, public: bytes, encrypted: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """See `Family.train`."""
        check_fit(self.plan, subset.samples, self.limits)
        if len(subset.samples) > self.plan.rows:
            raise BadPlan(
                f"the plan has room for {self.plan.rows} rows, the subset has {len(subset.samples)}"
            )
        check_cohort(self.plan, subset, cohort)
        self._check_headroom(len(cohort.members))
        inputs = self._encrypted(encrypted)
        circuit = Circuit(self.context, self.layout, self._public_keys(public))
        secrets = Secrets(self.plan, subset, cohort, encrypted)
        prepared = self._jobs.get(subset.digest(), lambda: self._prepare(subset.samples))
        with refusing():
            contents = [
                self._protected(
                    result, circuit.keys.zero, prepared.known[index], secrets, index, len(cohort.members)
                )
                for index, result in enumerate(self._evaluate(circuit, inputs, prepared))
            ]
        facts = {
            **cohort_facts(cohort, subset.index),
            "scales": " ".join(content.scale.hex() for content in contents),
        }
        stacked = np.stack([content.residues for content in contents])
        return self.context.to_bytes("encrypted result", {"result": stacked}, facts)

    # --- anybody ---

    def check_result(self, result: bytes) -> None:
        """See `Family.check_result`."""
        self._result(result)

    def local_update(self, weights: Weights, samples: Samples) -> Update:
        """See `Family.local_update`: floats, as near to a result as `decrypt` says."""
        check_fit(self.plan, samples, self.limits)
        change = self._change(real(weights), self._rows(samples), self._goals(samples))
        return self._update(change, len(samples))

    # --- a family's own part ---

    @abstractmethod
    def _columns(self) -> int:
        """Columns of the first product."""

    @abstractmethod
    def _places(self) -> dict[str, list[tuple[int, Int64Array]]]:
        """Where each matrix's change is.

        The ciphertexts of a result that hold the next of its columns, with their (rows, columns) slots.
        """

    @abstractmethod
    def _turns(self) -> tuple[int, ...]:
        """All rotations."""

    @abstractmethod
    def _check_range(self, matrices: dict[str, FloatArray]) -> None:
        """Refuses weights for which noise or unused slots could be larger than the bounds below."""

    @abstractmethod
    def _inputs(self, matrices: dict[str, FloatArray]) -> list[FloatArray]:
        """(slots,) values of each ciphertext of the encrypted weights."""

    @abstractmethod
    def _input_count(self) -> int:
        """How many ciphertexts the encrypted weights have."""

    @abstractmethod
    def _evaluate(
        self, circuit: Circuit, inputs: list[Ciphertext], prepared: EncodedSubset
    ) -> list[Ciphertext]:
        """The ciphertexts of a result, with `left` primes."""

    @abstractmethod
    def _goals(self, samples: Samples) -> FloatArray:
        """(n, outputs) what the outputs should be."""

    @abstractmethod
    def _change(
        self, matrices: dict[str, FloatArray], rows: FloatArray, goals: FloatArray
    ) -> dict[str, FloatArray]:
        """Rows times the change of each matrix, in real units."""

    def _known(self, rows: FloatArray, goals: FloatArray) -> dict[str, FloatArray]:
        """Rows times those parts of matrices' changes that are known without the weights: none.

        Of matrices whose change is in one ciphertext only.
        """
        del rows, goals
        return {}

    @abstractmethod
    def _backward_factor(self) -> Fraction:
        """What data are multiplied by in the last product."""

    @abstractmethod
    def _forward_factor(self) -> float:
        """What data are multiplied by in the first product."""

    @abstractmethod
    def _noise(self) -> float:
        """Root mean square of a result's noise in each slot."""

    @abstractmethod
    def _largest(self) -> float:
        """What no slot of a result is over, used or not."""

    # --- a job ---

    def _kept(
        self, prepared: EncodedSubset, name: str, values: Callable[[], FloatArray], primes: int, scale: float
    ) -> Plaintext:
        """An encoding that is made in the first round only: in all others the scale is the same."""
        if name not in prepared.encoded:
            prepared.encoded[name] = self._plaintext(values(), primes, scale)
        return prepared.encoded[name]

    def _plaintext(self, values: FloatArray, primes: int, scale: float) -> Plaintext:
        return self.context.multiplier(encode(values, scale), primes, scale)

    def _protected(
        self,
        result: Ciphertext,
        zero: Ciphertext,
        known: FloatArray,
        secrets: Secrets,
        index: int,
        members: int,
    ) -> Content:
        """The result as it leaves the cloud owner."""
        context, evaluator, room = self.context, self.context.evaluator, self.headroom
        rerandomise(context, result, zero, secrets, index, room.flood_bits, bell=True)
        for _ in range(self.left - 1):
            evaluator.rescale_to_next_inplace(result)
        cover = secrets.stream("unused", index).bell_integers(room.cover_bits(members), known.size)
        values = np.where(self._used[index], known, cover.astype(np.float64))
        evaluator.add_plain_inplace(result, self._plaintext(values, 1, result.scale))
        content = context.content(result)
        mask(content, context, secrets, index)
        return content

    def _prepare(self, samples: Samples) -> EncodedSubset:
        """The subset's encodings."""
        rows, goals = self._rows(samples), self._goals(samples)
        forward = self.layout.towards_rows(rows * self._forward_factor())
        backward = self.layout.towards_features(rows * float(self._backward_factor()))
        known = np.zeros((len(self._used), self.layout.slots))
        for name, change in self._known(rows, goals).items():
            ((index, places),) = self.places[name]
            known[index][places] = change
        known[0][self._count_slot] = COUNT_WEIGHT * len(samples)
        data_scale = float(self.context.primes[-1])
        return EncodedSubset(
            self._diagonals(forward, len(self.context.primes), data_scale),
            self._diagonals(backward, self.left, 2.0**self.gradient_bits),
            known,
            len(rows),
            goals,
        )

    def _diagonals(self, diagonals: FloatArray, primes: int, scale: float) -> Diagonals:
        """Plaintexts of all but empty diagonals, each turned back by its giant step."""
        layout, found = self.layout, Diagonals()
        for index, diagonal in enumerate(diagonals):
            giant, baby = divmod(index, layout.baby_steps)
            if diagonal.any():
                turned = np.roll(diagonal, giant * layout.baby_steps * layout.stride)
                found[giant, baby] = self._plaintext(turned, primes, scale)
        return found

    # --- noise, and places ---

    @property
    def _row_norm(self) -> float:
        """Of the longest row, the intercept's 1 included."""
        return sqrt(self.plan.clip**2 + 1)

    @property
    def _feature_limit(self) -> float:
        """No feature of a row is larger; the intercept's 1 is not."""
        return min(float(self.plan.clip), FEATURE_LIMIT * 2.0**-FEATURE_BITS)

    def _forward_noise(self, norm: float) -> float:
        """Of the first product, for weights of columns of this norm at most."""
        layout, context, primes = self.layout, self.context, len(self.context.primes)
        turned = noise.together(noise.fresh(context), noise.switching(context, primes)) / self.scale
        data = noise.encoding(context) / 2.0 ** self.plan.encryption.primes[-2]
        sums = noise.together(noise.rescaling(context), noise.switching(context, primes - 1)) / self.scale
        parts = layout.blocks * layout.diagonals // layout.baby_steps
        factor = self._row_norm * self._forward_factor()
        return noise.together(factor * turned, norm * data, sqrt(parts) * sums)

    def _product_noise(self, primes: int) -> float:
        """What a product adds that leaves so many primes."""
        context, scale = self.context, self.headroom.last_product_scale if primes == self.left else self.scale
        switched = noise.switching(context, primes + 1) / self.scale
        return noise.together(noise.rescaling(context), switched) / scale

    def _backward_noise(self, values: float, deviation: float) -> float:
        """Of the last product and its sum over rows, of values up to a size with noise of a deviation."""
        turned = noise.switching(self.context, self.left) / self.headroom.last_product_scale
        data = noise.encoding(self.context) / 2.0**self.gradient_bits
        factor = abs(float(self._backward_factor())) * self._feature_limit
        return sqrt(self.plan.rows) * noise.together(factor * deviation, factor * turned, values * data)

    @property
    def _count_slot(self) -> int:
        """Of the first ciphertext: the place of a feature that there is not."""
        return int(self.layout.weight_slots(self.plan.features + 2, 1)[-1, 0])

    @cached_property
    def _used(self) -> list[npt.NDArray[np.bool_]]:
        """For each ciphertext of a result which slots are part of it."""
        parts = [part for parts in self.places.values() for part in parts]
        used = [np.zeros(self.layout.slots, dtype=np.bool_) for _ in range(1 + max(i for i, _ in parts))]
        for index, places in parts:
            used[index][places] = True
        used[0][self._count_slot] = True
        return used

    # --- checks ---

    def _check_primes(self) -> None:
        """Each product's prime takes its scale back to where it was."""
        encryption = self.plan.encryption
        primes, scale = encryption.primes, encryption.scale_bits
        if len(primes) != self.left + self.depth + 1:
            raise BadPlan(
                f"plan: encryption: {len(primes)} primes: this family needs {self.left} for the result,"
                f" {self.depth - 1} for products, one for data and one for keys"
            )
        if any(prime != scale for prime in primes[self.left + 1 : -2]):
            raise BadPlan(
                f"plan: encryption: a product's prime has other bits than the scale's {scale}: only the last"
                " product's may be larger"
            )
        if primes[-1] < max(primes):
            raise BadPlan("plan: encryption: the keys' prime, the last, must be the largest")

    def _check_headroom(self, members: int) -> None:
        self.headroom.check(self._noise(), self._largest(), len(self._used), members)

    # --- objects ---

    def _secret(self, keys: KeyPair) -> Residues:
        tensors, _ = self.context.from_bytes(keys.secret, "secret key", "the secret key")
        return tensors["secret"].reshape(-1, self.context.degree)

    def _public_keys(self, public: bytes) -> CkksPublicKeys:
        """The keys that the plan names."""
        if (name := self._name_of(public)).hex() != self.plan.encryption.keys:
            raise BadPlan("the published keys are not those that the plan names")
        return self._keys.get(name, lambda: self._loaded(public))

    def _loaded(self, public: bytes) -> CkksPublicKeys:
        what, primes, degree = "the published keys", len(self.context.primes), self.context.degree
        tensors, facts = self.context.from_bytes(public, "public keys", what)
        elements, shape = self._galois_elements(), (primes, 2, primes + 1, degree)
        shapes: dict[str, tuple[int, ...]] = {"zero": (1, self.left, degree), "relin": shape}
        check_shapes(tensors, shapes | dict.fromkeys(map(_turn_name, elements), shape), what)
        if facts:
            raise BadObject(f"{what}: not in the form of this plan's")
        return CkksPublicKeys(
            self.context.zero(tensors["zero"]),
            self.context.relin_keys(tensors["relin"]),
            self.context.galois_keys({elements[turn]: tensors[_turn_name(turn)] for turn in elements}),
        )

    def _name_of(self, public: bytes) -> bytes:
        """SHA-256, of the same object once only: the keys are too long to hash them for every job."""
        if self._named is None or self._named[0] is not public:
            self._named = (public, hashlib.sha256(public).digest())
        return self._named[1]

    def _galois_elements(self) -> dict[int, int]:
        """The ring's automorphism for each rotation."""
        return {turn: pow(3, turn, 2 * self.context.degree) for turn in sorted(set(self._turns()))}

    def _encrypted(self, encrypted: bytes) -> list[Ciphertext]:
        what = "the encrypted weights"
        tensors, facts = self.context.from_bytes(encrypted, "encrypted weights", what)
        shape = (self._input_count(), 2, len(self.context.primes), self.context.degree)
        check_shapes(tensors, {"weights": shape}, what)
        if facts or not all(part[1].any() for part in tensors["weights"]):
            raise BadObject(f"{what}: not in the form of this plan's")
        contents = (Content(residues, ntt=True, scale=self.scale) for residues in tensors["weights"])
        return [self.context.load(content) for content in contents]

    def _result(self, result: bytes) -> tuple[list[Content], Cohort, int]:
        """The ciphertexts, the cohort, and whose result it is."""
        what = "the encrypted result"
        tensors, facts = self.context.from_bytes(result, "encrypted result", what)
        check_shapes(tensors, {"result": (len(self._used), 2, 1, self.context.degree)}, what)
        scales = _scales(facts.pop("scales", None), len(self._used), what)
        cohort, member = read_cohort(facts, what)
        contents = [
            Content(part, ntt=True, scale=scale)
            for part, scale in zip(tensors["result"], scales, strict=True)
        ]
        return contents, cohort, member

    def _rows(self, samples: Samples) -> FloatArray:
        """(n, features + 1) rows cut to the plan's norm, the intercept's 1 last."""
        return design_matrix(samples.features, self.plan.clip) * 2.0**-FEATURE_BITS

    def _update(self, change: dict[str, FloatArray], samples: int) -> Update:
        """In the plan's units."""
        unit = 2.0**self.plan.weight_bits
        return Update({name: np.rint(change[name] * unit).astype(np.int64) for name in change}, samples)


def real(weights: Weights) -> dict[str, FloatArray]:
    """Weights as floats."""
    return {name: matrix.astype(np.float64) * 2.0**-weights.bits for name, matrix in weights.tensors.items()}


def _turn_name(turn: int) -> str:
    return f"turn {turn}"


def _scales(value: object, count: int, what: str) -> list[float]:
    """The scales of a result's ciphertexts, as `train` writes them."""
    try:
        scales = [float.fromhex(scale) for scale in str(value).split(" ")]
    except ValueError as error:
        raise BadObject(f"{what}: says nothing of its scales") from error
    if len(scales) != count or not all(1.0 <= scale < 2.0**60 for scale in scales):
        raise BadObject(f"{what}: {len(scales)} scales, or one out of range")
    if " ".join(scale.hex() for scale in scales) != value:
        raise BadObject(f"{what}: its scales are not in canonical form")
    return scales
