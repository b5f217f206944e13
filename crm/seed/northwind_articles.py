"""What Northwind Instruments tells its customers and its staff."""

from crm.seed.profile import Article

ARTICLES = (
    Article(
        "Return and refund policy",
        "Standard instruments can be returned within 30 days; calibrated and custom ones cannot.",
        "Standard instruments may be returned within 30 days of delivery if they are unused and in their packing. "
        "Ask support for a return number first; shipments without one are refused. A restocking fee of 10 percent "
        "applies after day 14. Instruments with an individual calibration and custom ranges are excluded. The "
        "refund is paid within 10 working days after inspection.",
        "public",
    ),
    Article(
        "Warranty terms",
        "24 months on instruments, 12 months on sensors and batteries; extension to 36 months possible.",
        "Instruments carry 24 months of warranty from the invoice date, sensors and batteries 12 months. The "
        "Extended Warranty (SV-EXT) adds 36 months and must be bought with the instrument. Not covered: wear of "
        "wetted parts, lightning, opened housings, and damage by media outside the data sheet. Send the serial "
        "number and a description; we answer within two working days whether to repair or replace.",
        "public",
    ),
    Article(
        "Delivery times and shipping costs",
        "Stock items leave within 2 working days; freight is free above 2,500.",
        "Items in stock leave our warehouse within 2 working days, configured instruments within 10. Freight is "
        "free for orders above 2,500; below that it costs 35. Express is possible until noon for items in stock. "
        "Every delivery carries a packing list: report missing parts within 5 working days.",
        "public",
    ),
    Article(
        "How to cancel or change an order",
        "Free of charge until the order is activated; afterwards support decides.",
        "An order in status Draft can be changed or cancelled free of charge. Once it is Activated, standard items "
        "can be cancelled until they are shipped; configured instruments can be cancelled within one working day. "
        "Tell us the order number and the items. Refunds go back to the payment method of the order.",
    ),
    Article(
        "Escalation policy for support cases",
        "When a case must be escalated, by whom, and how fast the customer hears from us.",
        "Escalate a case at once if people may be hurt, if a plant stands still, or if a customer mentions legal "
        "steps. High priority: first answer within 2 hours, an update every working day. Critical: first answer "
        "within 30 minutes, the service manager takes over. Set the status to Escalated, write an internal comment "
        "with what was tried, and call the customer before you hand over. Never promise a date that the workshop "
        "has not confirmed.",
        "staff",
    ),
    Article(
        "Discount authority",
        "Who may grant which discount.",
        "Sales representatives may grant up to 10 percent, sales managers up to 20 percent. Anything above needs "
        "the deal desk. Services (SV-CAL, SV-EXT) are never discounted by more than 5 percent. Put the reason in "
        "the quote description; quotes above 50,000 are reviewed in any case.",
        "staff",
    ),
    Article(
        "How we handle personal data",
        "What we keep about contacts, for how long, and how to ask for it.",
        "We keep business contact data as long as the account is active and for 3 years afterwards. Anybody may ask "
        "for a copy or for deletion at privacy@northwind.example; we answer within 30 days. People who opt out of "
        "e-mail still receive messages about their orders and cases, but nothing else.",
        "public",
    ),
    Article(
        "Identity check on the phone",
        "What to ask before you talk about orders or cases.",
        "Ask for the case or order number and the e-mail address on file. If one of them does not match, call back "
        "at the number on the contact record. Never read out an address, a price or another person's name to "
        "confirm it. A forwarded mail is no proof of identity.",
        "staff",
    ),
    Article(
        "PT-200: zero trim step by step",
        "Set the zero of the transmitter after mounting or after a cold start.",
        "1. Vent the line and wait until the housing has operating temperature. 2. Connect the service cable and "
        "open the trim menu. 3. Check the firmware: before 2.4 update first, otherwise the offset comes back. 4. "
        "Choose Zero Trim and confirm while the reading is steady for ten seconds. 5. Note the offset in the "
        "service log; more than 1 percent of span means that the cell should be inspected.",
    ),
    Article(
        "PT-200: update the firmware to 2.4",
        "Removes the zero drift after a cold start.",
        "Download the file from the portal, connect the service cable and start the updater. The loop stays "
        "powered; set the control loop to manual because the output holds its last value for about 40 seconds. "
        "After the update run a zero trim. Version 2.4 cannot be rolled back.",
    ),
    Article(
        "FM-100: empty-pipe alarm with low conductivity",
        "Settings for demineralised water and other poorly conducting liquids.",
        "Below 20 microsiemens per centimetre the standard detection reports an empty pipe. Open menu 4.3, choose "
        "Low Conductivity, and set the delay to 5 seconds. Bond liner, flanges and earth with the supplied straps. "
        "Below 5 microsiemens an electromagnetic meter is the wrong choice: use the FM-300.",
    ),
    Article(
        "FM-100: required straight pipe",
        "Five diameters before and two after the meter.",
        "Mount the meter with a straight run of at least five pipe diameters upstream and two downstream. After a "
        "control valve take ten. The electrodes must lie horizontally, and the pipe must stay full when the flow "
        "stops.",
        "public",
    ),
    Article(
        "FM-300: mounting without trapped gas",
        "Where a Coriolis meter should hang and how to set gas-hold.",
        "Do not mount the meter at the highest point of the line. In horizontal pipes the tubes hang down for "
        "liquids and stand up for gas. If gas cannot be avoided, enable gas-hold with 30 seconds; the meter then "
        "keeps the last good density. A density that never settles points to a mechanical load on the flanges.",
    ),
    Article(
        "FM-20: choosing the transducer position",
        "V, Z or W mounting and the coupling paste.",
        "Use V mounting for pipes from 50 to 300 mm, Z above that and W for thin ones. Remove paint, apply a bead "
        "of paste without air, and tighten until the signal is above 60. Cast iron with cement lining cannot be "
        "measured from outside.",
    ),
    Article(
        "TL-30: how many loggers per gateway",
        "At most forty; plan a second gateway above thirty-five.",
        "A gateway keeps forty sessions. The forty-first logger pushes out the oldest one, which then shows as "
        "offline. Loggers keep 16,000 values and fill the gaps as soon as they are back. Use two gateways on "
        "different channels and assign loggers by name, not automatically.",
    ),
    Article(
        "TL-10: read out and reset",
        "Get the data of a shipment and prepare the logger for the next one.",
        "Plug the logger into a USB port: it appears as a drive with a PDF and a CSV file. Copy both, then press "
        "the button for five seconds to clear the memory. A red lamp means that the battery will last less than 30 "
        "days.",
        "public",
    ),
    Article(
        "Temperature record with gaps: what to tell an auditor",
        "Gaps can be closed if the logger kept its values.",
        "Export the logger's own memory and compare it with the server's record. If the values exist, import them "
        "with the remark 'late delivery'. If they do not, write a deviation with cause, affected goods and measure. "
        "Do not interpolate: auditors treat that as falsification.",
    ),
    Article(
        "GA-4: bump test and calibration",
        "Daily check before entering a confined space.",
        "Bump test every day before use, calibrate every 6 months or after a failed bump test. New sensors need "
        "twelve hours in the powered detector. Use gas with at least 3 months of shelf life left. A detector that "
        "fails twice must not be used; attach a red tag and send it in.",
    ),
    Article(
        "GA-4: replace a sensor",
        "Tools, order of steps and settling time.",
        "Switch off, open the three screws, pull the old sensor straight out, and note its serial number. Fit the "
        "new one without touching the membrane. Switch on, accept the new sensor in the menu, and charge for twelve "
        "hours. Then bump test and calibrate.",
    ),
    Article(
        "GA-2: condensate and heated line",
        "Keep the sample above the dew point.",
        "The sample line must stay above 120 degrees Celsius up to the cooler. Empty the condensate trap each "
        "shift. Readings of NOx that fall slowly over hours almost always mean water in the line. Replace the "
        "filter when the flow drops below 1.2 litres per minute.",
    ),
    Article(
        "GW-1: renew certificates",
        "Upload the chain and restart; firmware 1.9 reloads by itself.",
        "Open Security, upload the complete chain in PEM form with the server certificate first, and restart. The "
        "log should show 'session established'. Gateways with 1.8 keep the old chain until a restart. Check the "
        "clock: more than 5 minutes of difference makes every certificate invalid.",
    ),
    Article(
        "GW-1: map HART variables to topics",
        "Names, units and the sampling interval.",
        "Each device appears under plant/area/tag. Map the primary variable and, if needed, up to three others. The "
        "interval is 1 second at best; with more than sixteen devices choose 5 seconds. Units are taken from the "
        "device: set them there, not in the gateway.",
    ),
    Article(
        "Insight Pro: move a licence to another server",
        "Release in the portal, activate with the new host id.",
        "Sign in to the portal, choose Licences and Release. Install Insight Pro on the new server, copy its host "
        "id from Help, and activate. A licence may be moved three times a year; after that support must release it. "
        "Trends and reports move with the database, not with the licence.",
    ),
    Article(
        "Insight Pro: supported systems",
        "Operating systems and databases of the current release.",
        "Release 7 runs on Windows Server 2019 and later and on current long-term Linux distributions. It needs 8 "
        "GB of memory up to 5,000 tags. Release 6 receives security fixes until the end of next year.",
        "public",
    ),
    Article(
        "Find your calibration certificate",
        "Where certificates are and why one may be missing.",
        "Certificates appear in the portal within 5 working days after the visit, under Instruments. If one is "
        "missing, compare the serial number on the plate with the asset list: a typing error stops the upload. Tell "
        "support the plate's number and the date of the visit.",
    ),
    Article(
        "How often should an instrument be calibrated?",
        "Intervals that auditors accept.",
        "Pressure and temperature in critical processes: every 12 months. Flow for billing: as the authority says, "
        "usually 24 months. Gas detectors: 6 months. If three calibrations in a row show less than a quarter of the "
        "allowed error, the interval may be doubled once, with a written reason.",
        "public",
    ),
    Article(
        "Prepare for an on-site calibration day",
        "What the technician needs to finish in one day.",
        "Have a list of instruments with serial numbers, make lines accessible and vented, name a person who may "
        "stop loops, and plan 25 minutes per transmitter and 90 per flow meter. Permits for hot work or confined "
        "spaces must be ready at 7 a.m. Unfinished instruments count for the next visit.",
    ),
    Article(
        "LV-60: record a false-echo map",
        "Ignore agitators, ladders and inlets.",
        "Empty the tank below 20 percent and start the agitator. Choose Echo Map, enter the distance up to just "
        "above the surface, and record for two minutes. Check that the curve shows the surface as its only peak "
        "above the line. Record again after every change inside the tank.",
    ),
    Article(
        "PH-7: hysteresis and minimum on-time",
        "Stops the dosing relay from chattering.",
        "After a factory reset the hysteresis is zero. Set 0.2 pH and a minimum on-time of 5 seconds. If the value "
        "still swings, the mixing is too slow: move the probe closer to the dosing point or reduce the pump stroke.",
    ),
    Article(
        "DO-3: clean the optical cap",
        "Monthly cleaning keeps the error below 0.1 mg per litre.",
        "Rinse with water, wipe with a soft cloth, never use alcohol: it dissolves the dye. Replace the cap every "
        "24 months. After cleaning wait 15 minutes and do a one-point calibration in moist air.",
    ),
    Article(
        "VB-9: where to place vibration sensors",
        "On the bearing housing, in the load zone.",
        "Glue or screw the sensor to bare metal on the bearing housing. One sensor per bearing. Painted covers and "
        "cable trays dampen high frequencies and hide early damage. Name the axes in Insight Pro as on the machine "
        "drawing.",
    ),
    Article(
        "Credit note or new invoice: which one?",
        "How to correct invoices with the wrong price list.",
        "If the whole invoice used the wrong price list, cancel it and send a new one. If a single line is wrong, "
        "issue a credit note for that line. Correct the order's price list first, otherwise the mistake repeats "
        "itself.",
        "staff",
    ),
    Article(
        "DA-8: draft of the wiring guide",
        "Isolated inputs and shield connection; still under review.",
        "Connect the shield on one side only, at the unit. Inputs 1 to 4 and 5 to 8 share a ground. Maximum 30 V "
        "between channels.",
        "staff",
        "Draft",
    ),
    Article(
        "PT-100 spare parts",
        "The predecessor of the PT-200 is no longer repaired.",
        "Spare parts for the PT-100 ended in 2021. The PT-200 fits the same process connection; a new scaling is "
        "needed.",
        "customers",
        "Archived",
    ),
    Article(
        "Holiday hours of technical support",
        "Who answers between the years.",
        "Critical cases are answered around the clock. All others from 9 a.m. to 1 p.m. on working days.",
        "public",
        "Archived",
    ),
)
