/**
 * Words of one syllable that learners meet early, to make word lists and minimal pairs from. Chosen for this project so that
 * most sounds that are mistaken for each other are told apart by some pair of them.
 */
export const everydayWords: readonly string[] = `
  ace ache add age aid aim air all and arm art ash ask back bad bag bait ball band bank bar bark base bat bath bay beach bead
  beak bean bear beard beat bed bee beef been beer bell belt berry best bet big bill bin bird bit bite black blood blow blue boat
  body bold bone book boot both bow bowl box boy brain branch bread breathe bridge bright bring broom brown bug bull burn bus
  but buy buzz cab cage cake call calm came can cap car card care cart case cash cat catch caught cave chain chair chalk chap
  cheap cheat check cheek cheese cherry chess chest chew chick chin chip choose chop church clap class clean clear cliff climb
  cloak clock close cloth cloud clown club coal coast coat cob code coin cold collar comb cone cook cool cop cord core cork
  corn cost cot couch cough could count court cow crash crow crown cry cub cuff cup curl cut dad dance dark day deaf dear death
  debt deep deer den dense desk dice did die dig dim din dip dirt dish dog doll done door dot doubt dough down drain draw dream
  dress drink drive drop dry duck dull dumb dust each ear earn earth ease east eat edge egg eight end eye face fact fail fair
  faith fall fan far farm fast fat fear feast feed feel feet fell fern ferry few field fight fill film fin find fine fire first
  fish fit five fix flag flash flat flight floor flow fly fog fold food fool foot force fork form fought found four fox free
  fresh fries fruit full fun fur gain game gap gas gate gave get girl give glass glow glue go goal goat gold good got grass
  grave great green grey grow guess guide gum hair half hall ham hand hang hard harm has hat hate have head heal heap hear heart
  heat heel held hell help hen her herd here hid hide high hike hill him hip his hit hole home hook hop hope horse hose hot
  house how hug huge hunt hurt hut ice ill inch ink jail jam jar jaw jeans jeep jet job join joke joy judge juice jump keep key
  kick kid kill kin kind king kiss kit knee knife knock know lace lack lake lamb lamp land lane lap large last late laugh law
  lay leaf leak lean leap learn lease leave led left leg less let lice lick lid lie life lift light like lime line lip list lit
  live load loan lock log long look loop lose loss lot loud love low luck lunch lung mad made mail main make man map mark mass
  match math may meal mean meat meet men mess mice might mile milk mill mind mine miss mix moan mole moon most mouse mouth move
  mouse much mud mug must mouth nail name near neat neck need nest net new next nice night nine noise noon north nose note now
  nurse nut oak oath oil old one own pack page paid pain paint pair pal pale palm pan park part pass past path pause pay pea
  peace peach peak pear peel pen pest pet phone pick pie pig pile pill pin pit place plan play plate please plough plum pole
  pool poor pop port pot pour pray press price prize proud pull pure push put queen quick quiet race rag rail rain raise ran
  rang rat rate raw ray reach read real red rent rest rib rice rich ride right ring rise river road roar rob robe rock role
  roll roof room root rope rose rough round row rub rug rule run rush sack sad safe said sail salt same sand sang sank save
  saw say sea seal seat see seed seek seem seen sell send sense set shade shake shame shape share sharp she shed sheep sheet
  shelf shell sherry shine ship shirt shock shoe shoot shop shore short shot should shout show shut shy sick side sigh sight
  sign sin sing sink sip sit six size skin skirt sky sleep slip slow smell smile smoke snow soap sock soft soil sold some son
  song soon sore soul sound soup sour south space speak spell spoon spring stairs star start stay steel steep step stick still
  stone stop storm straw street strong such suit sum sun sung sunk sure swim swing tail take tale talk tall tank tap taste tax
  tea teach team tear teeth tell ten tent test than thank that thaw theft them then there these they thick thief thigh thin
  thing think third thirst this thorn those though thought thread threat three threw throat throne throw thumb thunder thy tick
  tide tie tight tile time tin tip tired toast toe ton tone tongue took tool tooth top torn toss touch tough tour town toy
  trade train trap tray tread treat tree trick trip truck true trust truth try tub tube tug tune turn two van vase vast vat
  veal veil vein vent verse very vest vet vice view vine voice vote vow vowel wage wait wake walk wall want war warm wash
  watch wave wax way we weak wealth wear week weep weigh well went west wet whale wheat wheel when while whip white who why
  wide wife wig wild will win wind wine wing wise wish witch with wolf wood wool word work world worm worse worth would wreck
  wrist write wrong yacht yam yard yawn year yell yes yet yoke you young youth zero zip zone zoo
`
  .trim()
  .split(/\s+/);
