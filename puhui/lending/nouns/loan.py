"""Nouns of servicing 贷后 that lending speaks of, under the names it has always used."""

from __future__ import annotations

from puhui.servicing import noun

Cost = noun.Cost
DayCount = noun.DayCount
Direction = noun.Direction
Early = noun.Early
Frequency = noun.Frequency
Happening = noun.Happening
Instalment = noun.Instalment
Interest = noun.Interest
LoanStatus = noun.LoanStatus
Method = noun.Method
Overpayment = noun.Overpayment
Part = noun.Part
Plan = noun.Plan
PlanEvent = noun.PlanEvent
PlanRow = noun.PlanRow
PlanState = noun.PlanState
Recalculation = noun.Recalculation
Schedule = noun.Schedule
Servicing = noun.Servicing
Share = noun.Share
Shift = noun.Shift
YearCut = noun.YearCut
Timing = noun.Timing
