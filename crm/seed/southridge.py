"""Southridge Supply: keeps workshops and plants supplied with parts, tools and protective gear."""

from crm.ids import TenantId
from crm.seed.people import SOUTHRIDGE
from crm.seed.profile import CampaignPlan, Product, Profile, Trouble
from crm.seed.southridge_articles import ARTICLES

PRODUCTS = (
    Product("GL-440", "Cut-Resistant Gloves GL-440", "Safety", 96, "Box of twelve pairs, level D, nitrile palm."),
    Product("RS-95", "Respirator RS-95", "Safety", 58, "Half mask with two particle filters."),
    Product("HV-2", "High-Visibility Vest HV-2", "Safety", 14, "Class 2, sizes S to 3XL."),
    Product("LK-8", "Lockout Kit LK-8", "Safety", 145, "Padlocks, hasps and tags for eight people."),
    Product("BR-6204", "Ball Bearing BR-6204", "Power Transmission", 9, "Deep groove, sealed, 20 x 47 x 14 mm."),
    Product(
        "BR-22210", "Spherical Bearing BR-22210", "Power Transmission", 118, "For fans and conveyors, tapered bore."
    ),
    Product("VB-12", "V-Belt Set VB-12", "Power Transmission", 64, "Twelve matched belts, SPB section."),
    Product("LB-EP2", "Bearing Grease LB-EP2", "Lubricants", 88, "Case of ten cartridges, lithium complex."),
    Product("CF-20", "Cutting Fluid CF-20", "Lubricants", 132, "Twenty litres, mineral oil free."),
    Product("FB-M8", "Hex Bolt Assortment FB-M8", "Fasteners", 72, "Grade 8.8, 1,200 pieces in a cabinet."),
    Product("AN-12", "Wedge Anchor AN-12", "Fasteners", 54, "Box of fifty for cracked concrete."),
    Product("EM-10", "Carbide End Mill EM-10", "Cutting Tools", 42, "Four flutes, coated, 10 mm."),
    Product("DB-SET", "Drill Bit Set DB-SET", "Cutting Tools", 189, "Cobalt, 1 to 13 mm in half-millimetre steps."),
    Product("HS-38", "Hydraulic Hose HS-38", "Hydraulics", 74, "Three-eighths inch, crimped to length."),
    Product("PW-18", "Impact Wrench PW-18", "Power Tools", 329, "Cordless, 18 V, two batteries."),
    Product("SH-900", "Pallet Rack Bay SH-900", "Storage", 310, "Three levels, 900 kg each."),
    Product("LD-12", "Step Ladder LD-12", "Storage", 168, "Fibreglass, twelve feet, non-conductive."),
    Product("VM-36", "Vending Point VM-36", "Inventory", 5200, "Tool cabinet with 36 doors and badge reader."),
    Product("CK-100", "Calibration Kit CK-100", "Measuring", 480, "Reference weights and gauge blocks, certified."),
    Product("SV-VMI", "Managed Inventory Visit", "Services", 900, "Count, refill and report; one month, one site."),
    Product("SV-KIT", "Kitting Service", "Services", 1250, "Job kits packed and labelled for one month."),
)

TROUBLES = (
    Trouble(
        name="VM-36 door does not unlock",
        product="VM-36",
        description="Doors of the vending point stay locked after a badge scan.",
        subjects=("Vending point door stays locked", "VM-36 takes the badge but does not open"),
        symptoms=(
            "Door 14 of the cabinet in {place} no longer opens; the night shift had no gloves.",
            "The badge is accepted, the display says take item, but nothing unlocks.",
        ),
        cause="The lock driver overheats when more than six doors are opened in a minute.",
        fix="Switch the cabinet off for one minute and update the controller to 3.1, which spaces the pulses.",
        kind="Technical",
        reason="Firmware",
    ),
    Trouble(
        name="VM-36 stock count drifts",
        product="VM-36",
        description="The count in the portal differs from what lies in the cabinet.",
        subjects=("Cabinet count is wrong", "Portal shows stock that is not there"),
        symptoms=(
            "The portal shows twelve respirators in {place}, the cabinet is empty.",
            "We ran out of end mills although the minimum was never reported.",
        ),
        cause="Returns through the service door are counted twice.",
        fix="Do a blind count, correct it in the portal, and forbid returns through the service door.",
        kind="Inventory",
        reason="Process",
    ),
    Trouble(
        name="GL-440 batch with weak seams",
        product="GL-440",
        description="Gloves of the spring batch tear along the thumb seam.",
        subjects=("Gloves tear at the thumb", "Quality of GL-440 has dropped"),
        symptoms=(
            "In two weeks nine pairs tore at the thumb. One operator cut himself in {place}.",
            "The new boxes feel thinner and open along the seam.",
        ),
        cause="Lots 2311 to 2318 were sewn with the wrong thread.",
        fix="Replace all boxes of lots 2311 to 2318 free of charge and destroy the remainder.",
        kind="Safety",
        reason="Quality",
    ),
    Trouble(
        name="Wrong bearing delivered",
        product="BR-6204",
        description="Open bearings were picked instead of sealed ones.",
        subjects=("Wrong bearings in the box", "Open instead of sealed bearings"),
        symptoms=(
            "We ordered sealed bearings, the box has open ones. The conveyor in {place} waits.",
            "Label says 6204-2RS, content is 6204.",
        ),
        cause="Two bins with similar labels stand side by side.",
        fix="Send the sealed bearings overnight and collect the wrong ones at our cost.",
        kind="Delivery",
        reason="Picking",
    ),
    Trouble(
        name="Back order without notice",
        product="EM-10",
        description="The order is split and nobody told the customer.",
        subjects=("Where is the rest of our order?", "Partial delivery without a word"),
        symptoms=(
            "Half of the end mills came, nothing about the rest. {place} stands still on Thursday.",
            "The portal says shipped, the driver brought two of five boxes.",
        ),
        cause="Split shipments do not trigger a message for accounts without an order contact.",
        fix="Enter an order contact, give the date of the second shipment and offer a substitute from stock.",
        kind="Delivery",
        reason="Back order",
    ),
    Trouble(
        name="HS-38 hose leaks at the crimp",
        product="HS-38",
        description="Oil seeps out at the fitting after some hours under pressure.",
        subjects=("Hydraulic hose leaks", "Oil at the fitting of a new hose"),
        symptoms=(
            "The new hose on the press in {place} drips at the fitting after one shift.",
            "Two of ten hoses leak at the crimp. The others are dry.",
        ),
        cause="The crimp die was worn at the branch between March and May.",
        fix="Take the hose out of service, replace it the same day and check all hoses of the same crimp code.",
        kind="Safety",
        reason="Quality",
    ),
    Trouble(
        name="CF-20 smells after a week",
        product="CF-20",
        description="The fluid turns sour in machines that stand still over the weekend.",
        subjects=("Cutting fluid smells", "Operators complain about the coolant"),
        symptoms=(
            "After one week the coolant in {place} smells like rotten eggs.",
            "Operators report itching hands since the new drum.",
        ),
        cause="The concentration is below six percent, so bacteria grow.",
        fix="Raise the concentration to eight percent, skim the tramp oil and run the pump on Sundays.",
        kind="Technical",
        reason="Use",
    ),
    Trouble(
        name="Safety data sheet outdated",
        product="LB-EP2",
        description="The sheet in the portal is older than the product on the label.",
        subjects=("Data sheet does not match the label", "We need the current safety data sheet"),
        symptoms=(
            "Our inspector refuses the data sheet because it is from 2019.",
            "The cartridge says revision 7, the portal has revision 5.",
        ),
        cause="The supplier's feed stopped in autumn.",
        fix="Upload revision 7 by hand and subscribe the customer to changes of the sheet.",
        kind="Documentation",
        reason="Paperwork",
    ),
    Trouble(
        name="PW-18 battery does not charge",
        product="PW-18",
        description="The charger blinks red with batteries of production week 14.",
        subjects=("Battery does not charge", "Impact wrench battery dead after a month"),
        symptoms=(
            "Two of four batteries blink red on the charger since Monday.",
            "The wrench in {place} stops after ten bolts.",
        ),
        cause="A protection chip of week 14 trips too early.",
        fix="Exchange batteries of week 14 under warranty; the charger is fine.",
        kind="Technical",
        reason="Warranty",
    ),
    Trouble(
        name="Consolidated invoice lacks cost centres",
        product="SV-VMI",
        description="The monthly invoice shows totals only.",
        subjects=("Invoice without cost centres", "Cannot book your monthly invoice"),
        symptoms=(
            "Accounting cannot book the invoice without cost centres per line.",
            "The invoice for {place} has one line. We need one per department.",
        ),
        cause="The account is set to summary billing.",
        fix="Switch the account to detailed billing and send the last invoice again.",
        kind="Billing",
        reason="Set-up",
    ),
    Trouble(
        name="Rack anchors missing",
        product="SH-900",
        description="Rack bays are delivered without the floor anchors of the drawing.",
        subjects=("Anchors missing for the racks", "Cannot finish the rack, parts missing"),
        symptoms=(
            "The fitters are at {place} and the box with the anchors is missing.",
            "Drawing asks for AN-12, none were delivered.",
        ),
        cause="The bill of material of SH-900 lists anchors as an option.",
        fix="Send one box of AN-12 per ten bays by courier and correct the bill of material.",
        kind="Delivery",
        reason="Packing",
    ),
    Trouble(
        name="Contract price not applied",
        product="FB-M8",
        description="Web orders use the list price although a contract exists.",
        subjects=("Contract price missing in the web shop", "We pay list price again"),
        symptoms=(
            "The web shop shows list prices for {place}, although our contract began last month.",
            "Same bolts, two prices on one invoice.",
        ),
        cause="The new site was not linked to the contract price list.",
        fix="Link the site to the contract, credit the difference and confirm the price in writing.",
        kind="Billing",
        reason="Price list",
    ),
)

CAMPAIGNS = (
    CampaignPlan("Spring Safety Weeks", "Email", "Gloves, masks and lockout kits with a free risk walk."),
    CampaignPlan("Managed Inventory Webinar", "Webinar", "How plants end stock-outs without more stock."),
    CampaignPlan("Metalworking Fair Booth 88", "Trade Show", "Leads from the booth, follow-up within three days."),
    CampaignPlan("Workshop Newsletter", "Email", "Monthly letter to workshops on tools and offers."),
    CampaignPlan("GL-440 Replacement Notice", "Email", "Tells buyers of the affected lots how to swap."),
    CampaignPlan("Vending Point Trial", "Website", "Ninety days with a cabinet after a short form."),
    CampaignPlan("Hose Service Day", "Event", "Bring your hoses: inspection and crimping while you wait."),
    CampaignPlan("Win-Back Former Customers", "Email", "First visit free for those who left."),
)

PURPOSES = (
    "Safety Gear Contract",
    "Vending Point Rollout",
    "Managed Inventory",
    "Bearing Standardisation",
    "Tool Crib Set-up",
    "Rack Extension",
    "Hose Service Agreement",
    "Kitting for Line 2",
    "Fastener Programme",
    "Coolant Programme",
)

NEEDS = (
    "we run out of gloves and inserts twice a month and somebody drives to the store",
    "forty suppliers for small parts mean four hundred invoices a month",
    "the tool crib is locked at night and the night shift waits",
    "nobody knows which hose belongs to which press when one bursts",
    "safety asked for proof of who took which mask and when",
)

PROFILE = Profile(
    tenant=TenantId(SOUTHRIDGE),  # tenant-id: the demo tenant that the seed creates
    name="Southridge Supply",
    products=PRODUCTS,
    troubles=TROUBLES,
    articles=ARTICLES,
    campaigns=CAMPAIGNS,
    deal_purposes=PURPOSES,
    needs=NEEDS,
    first_company=30,
    first_numbers={"Lead": 4, "Task": 6, "Event": 6, "Knowledge__kav": 3, "Campaign": 3},
    size=0.9,
)
