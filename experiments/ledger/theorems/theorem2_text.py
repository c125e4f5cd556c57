"""What the ledger says of the decomposition gap, with room for numbers."""

INTRO = """
### Theorem 2 in detail

**What is checked.** *Joint* normalises the weighted sum of the rewards in each group (GRPO),
*decomposed* normalises each component and then sums (GDPO, MO-GRPO). For binary components
decomposed GRPO climbs, exactly, the potential
Jtilde = sum_q rho_q sum_k w_k F_G(J_qk), F_G' = c_G (`theory/updates/potential.py`). T2.gap and
T2.kappa (`theory/convergence/decomposition_gap.py`) bound what J loses by that. Optima are over
unrestricted policies of one prompt, by backward induction.
"""

SURROGATES = """
**T2.identity** {identity_outcome}: in {identity:,} groups in fractions the joint advantage is the
sum of component advantages with weights w_k sd_k/sd, so their misalignment Delta is 0.

**T2.bridge**, a printed equation as reported, would bound the difference of the two surrogates by
Delta, hence by 0. Two samples with rewards (0,1) and (1,0), weights 3/4 and 1/4, ratios 9/10 and
11/10 refute that in fractions (numbers above).

**T2.bridge'** puts half the range of the ratios times sum_k w_k |sd_k/sd - 1| in its place. It
{corrected_outcome}, in {corrected:,} random groups (largest difference/bound {largest:.4f},
largest excess {excess:.0e}), and is an equality in fractions on a stored group. In practice: the
two advantages differ by how they weigh components, not by a misalignment, and without clipping the
range of the ratios bounds the effect of that.
"""

POTENTIAL = """
**T2.potential** {outcome}: E[g] from the exact group law and grad Jtilde agree to {off:.0e}
(relative) in {cells} cells of model, group size and options. Training on {trained} ends where
Jtilde is highest, and not J:

{table}

limits valid at any number of seeds, family-wise level 0.001; the maximiser is a first-order point
up to rounding (phi <= {residual:.0e}). With graded components in {{0, 1/2, 1}} there need be no
potential: on {graded} the Jacobian of E[g] is asymmetric by {asymmetry} of its largest entry.
There T2.gap, T2.kappa, T2.zero and T2.potential have their assumption unmet; T2.identity,
T2.bridge' and T2.benefit do not need it.

![What two components can attain](results/paper/figures/t2_region.png)
"""

GAP = """
**T2.gap** {gap_outcome}, at {cells:,} points (instance, prompt, policy, G): {kinds}. Violations:
{violations:,}; largest gap minus bound {excess:.0e}. Gap/bound:

{ratios}

Where phi is large the bound is nearly an equality, because phi itself is: most of what is missing
can still be climbed. At first-order points there is mostly no gap.

**T2.kappa** {kappa_outcome}, at {kappa_cells:,} first-order points (phi <= 1e-12 of its scale,
reached by exact ascent), {kappa_violations:,} violations. It is sharp: on two calls (`sharp`,
closed form and proof in `theory/instances/sharp.py`) gap/bound is 1 within {sharp:.0e}. How
unequal responses can be:

{table}

`largest kappa` is over all policies of all instances with eps = 0, ddof = 0; with other options
kappa/kappa_G is {options}. Random instances with calls in tension reach gap/bound {tension}; a
search by gradient ascent over the chances, weights and mixtures of three calls went from medians
of {before} to maxima of {search}.

Where phi is not 0 the claim says nothing: {elsewhere:,} points, {would:,} of which would violate
it. One of them has |grad Jtilde| = {gradient:.1e} and a gap of {saturated:.3g}: a vanishing
gradient is not enough.

![Gap and both bounds](results/paper/figures/t2_gap.png)

**T2.zero** {zero_outcome}; largest gap at first-order points:

{zero}

In practice: with groups of 2 or 3, or one binary reward, or rewards that one policy can maximise
together, normalising components separately costs nothing at a first-order point (phi = 0) of an
unrestricted policy. Otherwise up to (kappa_G-1)/(kappa_G+1) of what the components can move is lost
there, {losses}, by giving most weight to components whose success is nearly certain or nearly
impossible. Neither is said of policies that share parameters.
"""
