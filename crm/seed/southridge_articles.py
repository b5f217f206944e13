"""What Southridge Supply tells its customers and its staff."""

from crm.seed.profile import Article

ARTICLES = (
    Article(
        "Return and refund policy",
        "Stock items can be returned within 45 days; cut, crimped and kitted goods cannot.",
        "Stock items may be returned within 45 days if the packing is closed. Hoses, belts and other goods made to "
        "length and job kits are excluded, as are opened filters and masks. Ask for a return label in the portal; "
        "the driver takes the parcel with the next delivery. No restocking fee. Credit appears on the next invoice.",
        "public",
    ),
    Article(
        "Warranty terms",
        "12 months on power tools and cabinets, the maker's terms on everything else.",
        "Power tools and vending points carry 12 months of warranty from delivery, batteries 6 months. For "
        "bearings, belts and cutting tools the maker's terms apply; we handle the claim for you. Keep the part and "
        "the packing with the lot number, otherwise the maker refuses.",
        "public",
    ),
    Article(
        "Delivery times and shipping costs",
        "Next working day for stock items ordered before 5 p.m.; freight is free above 250.",
        "Stock items ordered before 5 p.m. arrive on the next working day. Freight is free above 250; below that it "
        "costs 12. Racks and cabinets come by appointment. Report missing goods within 2 working days with a photo "
        "of the label.",
        "public",
    ),
    Article(
        "How to cancel or change an order",
        "Until 5 p.m. of the order day in the portal, later by phone.",
        "Orders in status Draft can be changed in the portal until 5 p.m. Once an order is Activated, call the "
        "branch: if it is not on the truck, we take it back. Goods made to length cannot be cancelled after "
        "cutting.",
    ),
    Article(
        "Escalation policy for support cases",
        "When a case must be escalated, by whom, and how fast the customer hears from us.",
        "Escalate injuries, leaking hydraulics and suspected bad lots at once to the service manager, who informs "
        "the safety board. A line that stands still: call within 1 hour, substitute from any branch. Use status "
        "Escalated and say in an internal comment which lot and which site. Do not admit liability in writing.",
        "staff",
    ),
    Article(
        "Discount authority",
        "Who may grant which discount.",
        "Sales representatives may grant up to 5 percent, sales managers up to 12 percent. Contract prices need the "
        "deal desk and a term of at least 12 months. Services are sold at list price.",
        "staff",
    ),
    Article(
        "How we handle personal data",
        "What we keep about contacts and about badge holders.",
        "We keep business contacts while the account is active and for 2 years afterwards. Vending points store who "
        "took what: this data belongs to the customer and is deleted after 13 months. Ask at "
        "privacy@southridge.example; we answer within 20 days.",
        "public",
    ),
    Article(
        "Identity check on the phone",
        "What to ask before you talk about orders or cases.",
        "Ask for the customer number and the last order's number. If in doubt, call back at the branch's number on "
        "file. Do not give prices to people who cannot name their contract.",
        "staff",
    ),
    Article(
        "VM-36: unlock a stuck door",
        "What to do when a door accepts the badge but stays shut.",
        "Switch the cabinet off at the back for one minute, then on. Open the door from the service menu. If it "
        "happens again within a week, update the controller to 3.1: it spaces the pulses so that the driver stays "
        "cool. The emergency key opens a whole column and writes a log entry.",
    ),
    Article(
        "VM-36: blind count and correction",
        "Bring the count in the portal in line with the cabinet.",
        "Print the count sheet without quantities, count each door, and enter the numbers under Inventory, "
        "Correction. Differences above 5 percent are reported to your supervisor. Returns go through the return "
        "door only; the service door counts them twice.",
    ),
    Article(
        "VM-36: add a badge or a department",
        "Who may take what, and who pays for it.",
        "Upload badges as a list with number, name and department, or scan a badge twice at the cabinet and "
        "complete it in the portal. Limits apply per badge and day. Each department has its own cost centre on the "
        "invoice.",
    ),
    Article(
        "VM-36: network and power at the place of installation",
        "What we need before the truck comes.",
        "One socket with 10 A, one network port or a usable mobile signal, a level floor and 80 cm in front of the "
        "doors. The cabinet talks to the portal over port 443 only.",
        "public",
    ),
    Article(
        "Choosing gloves: cut levels explained",
        "From A to F, and what level D is good for.",
        "Level B suits assembly, D sheet metal with burrs, F glass. A higher level costs feeling in the fingers: "
        "people take such gloves off, and then they protect nobody. GL-440 is level D with a nitrile palm for dry "
        "and oily parts.",
        "public",
    ),
    Article(
        "GL-440: affected lots and exchange",
        "Lots 2311 to 2318 are replaced free of charge.",
        "The lot is printed below the bar code. Send us the number of boxes; new ones arrive on the next working "
        "day. Destroy the old gloves and note it. Injuries must be reported to the safety board on the same day.",
    ),
    Article(
        "RS-95: fit test and filter change",
        "Every wearer needs a fit test; filters last one shift in dust.",
        "Do a fit test once a year and after weight changes or dental work. Beards prevent a seal. Change the "
        "filters after a shift in dust or when breathing gets harder; write the date on the filter. Wash the mask "
        "at 40 degrees, never in a solvent.",
    ),
    Article(
        "Lockout in seven steps",
        "With LK-8: from notice to trial start.",
        "Tell those concerned, stop the machine, separate all energies, lock and tag, release stored energy, try to "
        "start, and only then work. Each person has an own lock and an own key. The hasp takes six locks; use a "
        "second one for more people.",
        "public",
    ),
    Article(
        "Reading bearing numbers",
        "What 6204-2RS C3 means.",
        "62 is the series, 04 times five gives the bore of 20 mm, 2RS means sealed on both sides, ZZ shielded, C3 "
        "more clearance than normal. Electric motors usually need C3. Never replace a sealed bearing with an open "
        "one in dust.",
        "public",
    ),
    Article(
        "BR-22210: mounting on a tapered sleeve",
        "Measure the clearance before and after.",
        "Measure the clearance unmounted, push the bearing up the sleeve until it is reduced by 0.030 to 0.040 mm, "
        "lock the tab, and turn by hand. Too tight runs hot within an hour, too loose wanders on the sleeve.",
    ),
    Article(
        "Which grease for which bearing?",
        "LB-EP2 for most, but not for high speed or food.",
        "LB-EP2 suits loads and moderate speed up to 130 degrees. Do not mix it with polyurea grease. Use a "
        "food-grade grease near open product. Regrease with half of what the bearing holds and stop when clean "
        "grease appears.",
    ),
    Article(
        "Cutting fluid: concentration and smell",
        "Keep CF-20 between seven and nine percent.",
        "Measure with a refractometer every week and multiply by 1.2. Below six percent bacteria grow within days. "
        "Skim tramp oil, run the pump on Sundays, and never top up with water alone. Itching hands: check the "
        "concentration first, above ten percent it irritates.",
    ),
    Article(
        "End mills: speeds for common steels",
        "Start values for EM-10.",
        "Mild steel: 120 m per minute, 0.05 mm per tooth. Stainless: 70 and 0.04. Hardened above 45 HRC: 50 and "
        "0.03 with air instead of coolant. Reduce the width before the feed when it chatters.",
    ),
    Article(
        "Hydraulic hoses: inspect and replace",
        "Six years at most, two of them in storage.",
        "Look for cracks, blisters, oil at the crimp and a hose that twists. Replace after six years from the "
        "printed date even if it looks good. Never feel for a leak with the hand: a jet enters the skin. Note the "
        "crimp code when you complain.",
        "public",
    ),
    Article(
        "HS-38: order a hose to length",
        "Length, fittings, angle.",
        "Measure from sealing face to sealing face. Give both fittings, the angle between them seen from one end, "
        "and the pressure. We crimp within two hours at every branch. Hoses made to length cannot be returned.",
    ),
    Article(
        "Anchors for racks",
        "One AN-12 per foot plate, two in earthquake areas.",
        "Drill 12 mm, blow out the hole, set the anchor and tighten to 60 Nm. Concrete must be at least C20/25 and "
        "120 mm thick. Racks without anchors must not be loaded.",
    ),
    Article(
        "Load signs on racks",
        "What must be written on every bay.",
        "Each bay carries a sign with load per level and per bay, the beam heights, and the date of the last "
        "inspection. Have racks inspected every 12 months. Damaged uprights: unload at once, then call us.",
        "public",
    ),
    Article(
        "PW-18: batteries of production week 14",
        "Which batteries are exchanged and how.",
        "The week is the last two digits of the code on the bottom. Batteries of week 14 are exchanged under "
        "warranty without proof of purchase. Send them with taped contacts in the supplied bag.",
    ),
    Article(
        "Find a safety data sheet",
        "By article number in the portal, always the current revision.",
        "Search the article number under Documents. The revision on the label must match the sheet; if it does not, "
        "tell us and we send it within one working day. You can subscribe to changes per article.",
        "public",
    ),
    Article(
        "Managed inventory: what happens during a visit",
        "Count, refill, report.",
        "Our colleague counts every bin, refills up to the maximum, and leaves a report with consumption and dead "
        "stock. Minimum and maximum change only with your written consent. Visits take place weekly or every two "
        "weeks.",
    ),
    Article(
        "Invoices per cost centre",
        "Switch from summary to detailed billing.",
        "Detailed billing shows one line per department and article. It is free and starts with the next month. For "
        "past months we send the invoice again in detailed form on request.",
    ),
    Article(
        "Substitutes for back orders",
        "Which substitutes may be offered without asking.",
        "Same dimension and equal or better grade may be offered at the price of the ordered item. Safety gear: "
        "only the same class and only with the customer's consent. Bearings: never change sealing or clearance.",
        "staff",
    ),
    Article(
        "Contract prices for a new site",
        "Link the site before the first order.",
        "Each site needs a link to the contract's price list. Check a test order before you tell the customer. If a "
        "site ordered at list price, credit the difference for at most 90 days back.",
        "staff",
    ),
    Article(
        "Kitting: draft of the label standard",
        "Work order, step and due date on each kit; still under review.",
        "Labels carry work order, step, due date and the number of parts. Colour by weekday.",
        "staff",
        "Draft",
    ),
    Article(
        "Price list of last year",
        "Superseded by the current price list.",
        "Prices of last year are no longer valid. Ask your representative for the current list.",
        "customers",
        "Archived",
    ),
)
