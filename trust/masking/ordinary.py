"""Ordinary words that are also somebody's name: in lower case, inside a sentence, they are left as they are.

Written like a name ("Will", "MAY") they are masked wherever a person of the tenant is called so. Words of the trade are
also left alone where a text begins with one: anybody outside can fill in a form as "Please Convert", and nobody in the
tenant could have anything converted from then on.
"""

ORDINARY = frozenset(
    """
    a about above access account accounts across act action active activity add after again against age agent ago
    agree ahead air all allow almost alone along already also always am amber among amount an and angel animal
    annual another answer any anyone anything apart apply april area arm around art article as ask asset at august
    autumn average away back bad bag bailey baker ball band bank bar base basket bay be beach bean bear beat because
    bed bee been before began begin behind being bell below berry best better between big bill bird birth bishop bit
    black blue board boat body bond book both bottom bow bowl box boy branch brand bread break bridge bright bring
    broad brook brother brown budget build bush business busy but butler buy by call calls came camp campaign can
    car card care carry carter case cases cash catch cause center central certain chain chair chance change chapel
    charge chase chat check cherry chief child choice church circle city claim clark class clay clean clear click
    close closed coach coal coin cold cole college color come comment common company contact contacts contract cook
    cool copy corner correct cost could count country course court cover crane create cross crown cup current
    customer customers cut daisy dale data date dawn day days deal deals dean dear decide deep delete dell demand
    desk detail did different do document does dollar done door double dove down draft draw dream drive drop drew
    due duke during each earl early earth east easy edge edit eight either else email emails emerald empty end
    energy english enough enter even evening event events every example expect eye face fact fair faith fall family
    far farmer farm fast father favor feed feel feet felt few field fields figure file filter fill find fine finish
    fire first fish fisher five fix flag flat flower floor follow food foot for force ford foreign form forest found
    four fox frank free french fresh friday friend from front full fund future garden gate gave general get gift
    ginger give glass go goal god gold good got grace grand grant grass gray great green grey ground group grow
    guide had hair half hall hand hands happy harbor hard harper has hat have hay hazel he head health hear heart
    heat heavy held hello help her here high hill him his history hit hold holder holiday holly home honey hood hope
    horse hot hour hours house how however hunt hunter i ice idea if important in inch include industry info inside
    into invoice iron is island issue it item its ivy jade january jasmine jean jewel job join joy judge july june
    just keen keep key kind king knew knight know known lake land lane language large last late later law lead leads
    learn least leave led left leg less let letter level lie life light like lily line lines link list little live
    load local long look lord lot love low lower luck machine made mail main major make man manager many march marsh
    mark market mason matter may me mean measure media meet meeting men mercy message middle might mile mill miller
    mind mine minute miss monday money month months moon moore more morning most mother mount mountain move mr mrs
    ms much music must my name near need never new news next nice night nine no noble none noon nor north not note
    notes nothing notice novel november now number o'clock oak object ocean october of off offer office often oil
    old olive on once one only opal open or orange order orders other our out outside over own owner page paige paid
    paper park parker part party pass past patience pay peace pearl people per person phone piece pierce pike pine
    pipeline place plain plan plant play please point pole police pool poor pope poppy port porter position post
    power present press price prince priority private probability problem product products project proper public
    pull push put quality quarter queen question quick quote quotes race rain ran rate ray reach read ready real
    reason record records red reed remind reply report reports request rest result return rich ride right ring rise
    river road robin rock role room root rose round row royal ruby rule run rush russell rye safe sage said sale
    sales same sand save saw say scarlet school sea search season seat second section see sell send sent sense
    september serve service set seven several shade shadow shall shape share sharp she shepherd ship shop short
    should show shown side sign silver simple since single sir sister site six size skip sky sleep small smart smith
    snow so soft some son song soon sort south space speak spring square staff stage stand star stars start state
    status stay step sterling stern still stock stone stop storm story strange stream street strong style subject
    such suit sum summarise summarize summary summer sun sunday sunny support sure sweet swift table take talk tall
    task tasks tax taylor team tell ten term test than thank thanks that the their them then there these they thing
    things think this those though thought thousand three through thursday ticket tickets time title to today
    together told tomorrow too took top total tour tower town track trade train tree trip true trust try tuesday
    turn turner two type under unit until up update upon urgent us use used user users vale value version very
    victor view violet visit voice wade wait walk walker wall want war ward warm was watch water way we weaver
    wednesday week weeks welcome well went were west what wheel when where which while white who whole whom whose
    why wide will willow win wind window wing winter wise wish with within without wolf woman wonder wood woods word
    work workers world worth would write wrong wrote yard year years yellow yes yesterday yet york you young your
    zone de del der den di da dos das du la le les el en et und van von ter al bin ibn
    """.split()
)

TRADE = frozenset(
    """
    activate activities address advance advice agenda aggregate agreement alarm alert alike allocate allowed
    alternative analyse analyze api appointment approval approve approved archive are arrange articles assign
    assignee attach audience audit authorise authorize avg breakdown brief briefing broken bump buyer buying
    calculate calendar campaigns cancel categorise categorize category channel chart cheap classification classify
    client closing code cohort colleague comments committee companies comparable compare complaint complaints
    complete compliance comply compose compute computed confirm contracts conversation conversion convert converted
    costs countersign created creation cycle daily danger dashboard deadline deliver delivery describe description
    development diagram digest discount dismiss dispatch display distribution doc docs documentation duplicates
    duration employee employees error escalate escalated escalation examine expected expiration expire expiry
    explain explanation explore export extract faq fastest fetch fewest finding firm forecast forward generate graph
    grouped guidance guideline handle handler headcount highest homepage ignore import improve incident insight
    insights inspect integration integrations invitation invite issues knowledge landing lapse likelihood location
    log longest lookup lose lost lowest mailing maximum median meetings merge metric minimum mobile model modified
    names newsletter notify observation opp opportunities opportunity oppty opt opted organisation organization
    origin outliers outlook overview owners parent percent percentage permission phase picklist plot policy possible
    postpone potential predict prediction prep preparation prepare preview pricebook prices pricing prio problems
    produce projection proposal propose prospect publish purchase python qualification qualified qualify quantity
    query quickest quotation raise rank rating ratio reassign recall recap recipients recommend recommendation
    recording refine refund region reimburse reimbursement reject rejected release reminder remove rename renew
    renewal reopen rep research resemble resembling reset resolution resolve resolved respond responded response
    revenue review revise revoke rework risk roadmap route rules rundown sandbox schedule schema script sector
    segment segments sets severity sharing shipment shipping shortest similar slow slowest snippet sold solution
    solve source speed stakeholder stakeholders statistics steps study suggest suggested suggestion surname takes
    target teammate telephone territory tests text timeline todo transcript transcripts transfer trend triage
    trigger triggers trouble troubleshoot turnover undo unsubscribe urgency url validation values variant variants
    verify visualise visualize void wants warn warning warranty web webhook website won workflow working yearly
    """.split()
)
"""What the service is asked for, and about: nobody's name but in a form that was filled in to disturb."""
